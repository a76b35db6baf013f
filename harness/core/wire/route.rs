//! Where a URL leads: to this machine alone, or elsewhere.
//!
//! `localhost` and the names below it are this machine. Every other host is judged by its addresses.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::Url;
use tokio::net::lookup_host;

/// The addresses behind a URL. `localhost`, and every name below it, is this machine without any look-up.
/// Source: RFC 6761, section 6.3.
///
/// # Errors
/// When the name cannot be resolved.
pub async fn addresses(url: &Url) -> io::Result<Vec<SocketAddr>> {
    let port = url.port_or_known_default().unwrap_or(80);
    if let Some(address) = address(url) {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let host = url.host_str().unwrap_or_default();
    if is_localhost(host) {
        // Both, as in the hosts file of most systems: a server may listen on either.
        let both = [IpAddr::V6(Ipv6Addr::LOCALHOST), IpAddr::V4(Ipv4Addr::LOCALHOST)];
        return Ok(both.map(|address| SocketAddr::new(address, port)).into());
    }
    Ok(lookup_host((host, port)).await?.collect())
}

/// Whether a URL leads to this machine and nowhere else, however its host is spelled. A name that cannot be resolved
/// does not.
pub async fn is_loopback(url: &Url) -> bool {
    addresses(url).await.is_ok_and(|addresses| are_loopback(&addresses))
}

pub(super) fn are_loopback(addresses: &[SocketAddr]) -> bool {
    !addresses.is_empty() && addresses.iter().all(|address| is_own(address.ip()))
}

/// Whether an address is this machine's own: loopback, also an IPv4 one written as IPv6, or the unspecified address,
/// which reaches this machine too.
pub fn is_own(address: IpAddr) -> bool {
    let address = address.to_canonical();
    address.is_loopback() || address.is_unspecified()
}

/// The address in the host of a URL; `None` if the host is a name.
pub fn address(url: &Url) -> Option<IpAddr> {
    url.host_str()?.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// Whether the host of a URL is `localhost`, or a name below it.
pub fn is_localhost(host: &str) -> bool {
    let host = host.trim_end_matches('.');
    // A URL's host is in lower case.
    host == "localhost" || host.ends_with(".localhost")
}

/// Whether an address is that of the metadata service of a machine of AWS, or of the credentials service of a
/// container. No emulator is there.
/// Source: the AWS SDKs and Tools Reference Guide, IMDS and container credential providers; the EC2 User Guide.
pub fn leads_to_metadata(address: IpAddr) -> bool {
    let is_metadata = |address: Ipv4Addr| matches!(address.octets(), [169, 254, 169 | 170, _]);
    match address {
        IpAddr::V4(address) => is_metadata(address),
        IpAddr::V6(address) => {
            address.segments().starts_with(&[0xfd00, 0xec2]) || ipv4_inside(address).is_some_and(is_metadata)
        }
    }
}

/// The IPv4 address inside an IPv6 address: mapped, compatible, translated, behind NAT64, or by 6to4.
/// Source: RFC 4291, section 2.5.5; RFC 6052, section 2.1; RFC 2765, section 2.1; RFC 3056, section 2.
fn ipv4_inside(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let of = |high: u16, low: u16| Some(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)));
    match address.segments() {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => of(high, low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    // None of these names needs a look-up, so the test needs no network.
    #[rstest]
    #[case::name("http://localhost:4566", true)]
    #[case::capitals("http://LocalHost", true)]
    #[case::trailing_dot("http://localhost.", true)]
    #[case::below("http://x.localhost", true)]
    #[case::far_below("http://a.b.localhost.", true)]
    #[case::ipv4("http://127.0.0.1", true)]
    #[case::another_of_the_network("http://127.9.8.7", true)]
    #[case::short("http://127.1", true)]
    #[case::number("http://2130706433", true)]
    #[case::hexadecimal("http://0x7f.0.0.1", true)]
    #[case::octal("http://0177.0.0.1", true)]
    #[case::full_width("http://\u{ff11}27.0.0.1", true)]
    #[case::percent("http://%6cocalhost", true)]
    #[case::ipv6("http://[::1]:4566", true)]
    #[case::long_ipv6("http://[0:0:0:0:0:0:0:1]", true)]
    #[case::mapped("http://[::ffff:127.0.0.1]", true)]
    #[case::mapped_as_hexadecimal("http://[::ffff:7f00:1]", true)]
    #[case::unspecified("http://0.0.0.0:4566", true)]
    #[case::unspecified_ipv6("http://[::]", true)]
    #[case::elsewhere_ipv4("http://128.0.0.1", false)]
    #[case::elsewhere_private("http://192.168.0.1", false)]
    #[case::elsewhere_mapped("http://[::ffff:10.0.0.1]", false)]
    #[case::elsewhere_compatible("http://[::127.0.0.1]", false)]
    #[case::elsewhere_translated("http://[64:ff9b::7f00:1]", false)]
    #[case::elsewhere_link_local("http://169.254.169.254", false)]
    #[tokio::test]
    async fn this_machine_is_known_however_it_is_spelled(#[case] url: &str, #[case] expected: bool) {
        assert_eq!(is_loopback(&url.parse().expect("a valid URL")).await, expected);
    }

    #[rstest]
    #[case::machine("169.254.169.254", true)]
    #[case::container("169.254.170.2", true)]
    #[case::ipv6("fd00:ec2::254", true)]
    #[case::mapped("::ffff:169.254.169.254", true)]
    #[case::compatible("::169.254.169.254", true)]
    #[case::translated("::ffff:0:169.254.169.254", true)]
    #[case::behind_a_translator("64:ff9b::a9fe:a9fe", true)]
    #[case::six_to_four("2002:a9fe:a9fe::1", true)]
    #[case::another_link_local("169.254.1.1", false)]
    #[case::another("64:ff9b::808:808", false)]
    #[case::loopback("::1", false)]
    fn the_metadata_of_a_machine_are_known_however_their_address_is_written(
        #[case] address: &str,
        #[case] expected: bool,
    ) {
        assert_eq!(leads_to_metadata(address.parse().expect("an address")), expected);
    }

    #[test]
    fn one_address_elsewhere_is_enough_to_lead_away() {
        let here = SocketAddr::from(([127, 0, 0, 1], 80));
        let there = SocketAddr::from(([192, 0, 2, 1], 80));
        assert!(are_loopback(&[here]));
        assert!(!are_loopback(&[here, there]));
        assert!(!are_loopback(&[]));
    }
}
