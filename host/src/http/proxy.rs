//! Proxies, as the environment names them: `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ipnet::IpNet;
use regovm_core::host::HttpRequest;

use super::Variables;

/// A proxy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Proxy {
    pub(super) host: String,
    pub(super) port: u16,
    /// Name and password.
    user: Option<String>,
}

fn variable(name: &str, variables: Variables<'_>) -> Option<String> {
    let value = variables(name).filter(|value| !value.is_empty());
    value.or_else(|| variables(&name.to_ascii_lowercase()).filter(|value| !value.is_empty()))
}

impl Proxy {
    /// The proxy for a request, if there is one.
    pub(super) fn of(
        request: &HttpRequest,
        port: u16,
        variables: Variables<'_>,
    ) -> Result<Option<Proxy>, String> {
        let name = match request.secure {
            true => "HTTPS_PROXY",
            false => "HTTP_PROXY",
        };
        let Some(text) = variable(name, variables) else {
            return Ok(None);
        };
        let exceptions = variable("NO_PROXY", variables).unwrap_or_default();
        if is_direct(&request.host, port, &exceptions) {
            return Ok(None);
        }
        Proxy::parse(&text).map(Some)
    }

    fn parse(text: &str) -> Result<Proxy, String> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        if scheme != "http" {
            return Err(format!(
                "proxyconnect tcp: proxies over {scheme} are not supported"
            ));
        }
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (user, machine) = match authority.rsplit_once('@') {
            Some((user, machine)) => (Some(user.to_owned()), machine),
            None => (None, authority),
        };
        let (host, port) = match machine.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port),
            _ => (machine, "80"),
        };
        let invalid = || format!("invalid proxy address {text:?}");
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(invalid());
        }
        Ok(Proxy {
            host: host.to_owned(),
            port: port.parse().map_err(|_| invalid())?,
            user,
        })
    }

    /// The value of `Proxy-Authorization`.
    pub(super) fn credentials(&self) -> Option<String> {
        let user = decoded(self.user.as_ref()?);
        Some(format!("Basic {}", STANDARD.encode(user)))
    }
}

/// A text without its `%xx`.
fn decoded(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let value = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match value {
            Some(value) if *first == b'%' => {
                out.push(value);
                rest = &after[2..];
            }
            _ => {
                out.push(*first);
                rest = after;
            }
        }
    }
    out
}

/// Whether a machine is reached without the proxy: this one always is.
fn is_direct(host: &str, port: u16, exceptions: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let address: Option<IpAddr> = host.parse().ok();
    if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
        return true;
    }
    exceptions.split(',').any(|exception| {
        let exception = exception.trim().to_ascii_lowercase();
        if exception.is_empty() {
            return false;
        }
        if exception == "*" {
            return true;
        }
        if let (Ok(block), Some(address)) = (exception.parse::<IpNet>(), address) {
            return block.contains(&address);
        }
        let (name, for_port) = match exception.rsplit_once(':') {
            Some((name, digits)) if exception.parse::<IpAddr>().is_err() => {
                (name, digits.parse().ok())
            }
            _ => (exception.as_str(), None),
        };
        if for_port.is_some_and(|for_port: u16| for_port != port) {
            return false;
        }
        let name = name.trim_start_matches('[').trim_end_matches(']');
        if let Ok(excepted) = name.parse::<IpAddr>() {
            return address == Some(excepted);
        }
        let name = name.strip_prefix('*').unwrap_or(name);
        match name.strip_prefix('.') {
            Some(_) => host.ends_with(name),
            None => {
                host == name
                    || host
                        .strip_suffix(name)
                        .is_some_and(|rest| rest.ends_with('.'))
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exceptions() {
        for (host, exceptions, direct) in [
            ("localhost", "", true),
            ("127.0.0.9", "", true),
            ("::1", "", true),
            ("a.com", "", false),
            ("a.com", "b.com, a.com", true),
            ("x.a.com", "a.com", true),
            ("xa.com", "a.com", false),
            ("a.com", ".a.com", false),
            ("x.a.com", ".a.com", true),
            ("x.a.com", "*.a.com", true),
            ("a.com", "*", true),
            ("a.com", "a.com:80", true),
            ("a.com", "a.com:81", false),
            ("10.1.2.3", "10.0.0.0/8", true),
            ("11.1.2.3", "10.0.0.0/8", false),
            ("10.1.2.3", "10.1.2.3", true),
        ] {
            assert_eq!(
                is_direct(host, 80, exceptions),
                direct,
                "{host} {exceptions}"
            );
        }
    }

    #[test]
    fn proxies() {
        let proxy = Proxy::parse("http://u:p%40@proxy:3128/").expect("a proxy");
        assert_eq!((proxy.host.as_str(), proxy.port), ("proxy", 3128));
        assert_eq!(proxy.credentials().as_deref(), Some("Basic dTpwQA=="));
        let proxy = Proxy::parse("proxy").expect("a proxy");
        assert_eq!((proxy.port, proxy.credentials()), (80, None));
        assert!(Proxy::parse("socks5://proxy").is_err());
        assert!(Proxy::parse("http://:x").is_err());
    }
}
