//! Requests for the interfaces of cloud providers.

#[cfg(feature = "aws")]
mod aws;

use regovm_core::builtin::{Builtin, Cost};

use crate::declare::builtin;

const CATEGORIES: &[&str] = &["providers.aws"];

pub(crate) const BUILTINS: &[Builtin] = &[builtin! {
    name: "providers.aws.sign_req",
    feature: "aws",
    since: (0, 47),
    signature: "(request: obj<str=>any>, aws_config: obj<str=>any>, time_ns: num) -> signed_request: obj<any=>any>",
    doc: "The request with the headers that sign it for Amazon Web Services (signature version 4). The configuration needs aws_access_key, aws_secret_access_key, aws_service and aws_region; it may have aws_session_token and disable_payload_signing.",
    cost: Cost::Linear("bytes of the request"),
    examples: [
        (
            r#"providers.aws.sign_req({"method": "get", "url": "https://example.com/a"}, {"aws_access_key": "k", "aws_secret_access_key": "s", "aws_service": "ec2", "aws_region": "us-east-1"}, 1451606400000000000)"#,
            r#"{"headers": {"Authorization": "AWS4-HMAC-SHA256 Credential=k/20160101/us-east-1/ec2/aws4_request,SignedHeaders=host;x-amz-date,Signature=81142a444fbbbf70948daf048a9a578becdcc82aaa7327d62a7527114192abd7", "host": "example.com", "x-amz-date": "20160101T000000Z"}, "method": "get", "url": "https://example.com/a"}"#
        ),
        (r#"providers.aws.sign_req({"method": "get", "url": "https://example.com"}, {}, 0)"#, ""),
    ],
    body: aws::sign_req,
}];
