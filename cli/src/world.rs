//! What policies see of the machine that the command runs on.

use std::io::{self, Write};

use regovm::{Capabilities, Constant};
use regovm_host::{Network, SystemHost};

/// The name that stands for every machine.
const EVERY_MACHINE: &str = "*";

/// The host of an evaluation. `print` writes to standard error; the network is open to the named machines only.
/// Without such names those of the capabilities count.
pub fn host(allow_net: &[String], capabilities: Option<&Capabilities>) -> SystemHost {
    let of_capabilities = capabilities.and_then(Capabilities::allow_net);
    let machines = if allow_net.is_empty() {
        of_capabilities.unwrap_or_default()
    } else {
        allow_net.to_vec()
    };
    SystemHost::new()
        .with_network(network(&machines))
        .with_runtime(runtime())
        .with_print(|line| {
            let _ = writeln!(io::stderr(), "{line}");
        })
}

/// The same for an evaluation whose `print`s were seen before.
pub fn quiet_host(allow_net: &[String], capabilities: Option<&Capabilities>) -> SystemHost {
    host(allow_net, capabilities).with_print(|_| {})
}

fn network(allow_net: &[String]) -> Network {
    if allow_net.is_empty() {
        Network::Nothing
    } else if allow_net.iter().any(|machine| machine == EVERY_MACHINE) {
        Network::Everything
    } else {
        Network::Only(allow_net.to_vec())
    }
}

/// What `opa eval` tells policies about itself: environment and version.
fn runtime() -> Constant {
    let text = |text: String| Constant::String(text.into());
    let variables = std::env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok()?;
        Some((text(name), text(value.into_string().ok()?)))
    });
    Constant::Object(vec![
        (text("commit".to_owned()), text(String::new())),
        (
            text("env".to_owned()),
            Constant::Object(variables.collect()),
        ),
        (
            text("version".to_owned()),
            text(env!("CARGO_PKG_VERSION").to_owned()),
        ),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_allowed_unless_named() {
        assert_eq!(network(&[]), Network::Nothing);
        let one = vec!["example.com".to_owned()];
        assert_eq!(network(&one), Network::Only(one.clone()));
        assert_eq!(network(&["*".to_owned()]), Network::Everything);
    }
}
