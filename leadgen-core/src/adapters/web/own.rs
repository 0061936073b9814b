//! This machine's own addresses: a site that claims to live at one of them leads inside, however public it looks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

/// Any port: nothing is sent to it.
const ANY_PORT: u16 = 9;

/// Whether an address is this machine's: whoever sends to itself sends from the same address. Only the routes of the machine
/// are asked; no packet leaves it.
pub(super) fn is_own(address: IpAddr) -> bool {
    let from: IpAddr = if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    // Who can't tell does not go there; where no way leads, the connection will say so.
    let Ok(socket) = UdpSocket::bind((from, 0)) else { return true };
    let source = socket.connect((address, ANY_PORT)).and_then(|()| socket.local_addr());
    source.is_ok_and(|source| source.ip() == address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_our_own_if_we_reach_it_from_itself() {
        assert!(is_own(Ipv4Addr::LOCALHOST.into()));
        assert!(!is_own(Ipv4Addr::new(93, 184, 216, 34).into()));
        let outward = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).and_then(|socket| {
            socket.connect((Ipv4Addr::new(93, 184, 216, 34), ANY_PORT))?;
            socket.local_addr()
        });
        // A machine without a network has no other address to ask about.
        if let Ok(outward) = outward {
            assert!(is_own(outward.ip()), "{outward}");
        }
    }
}
