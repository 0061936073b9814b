//! Asks the domain name system. Serves routers and fetchers, not stages.

use std::net::IpAddr;

use async_trait::async_trait;

use crate::domain::mx::MailHosts;
use crate::domain::name::DomainName;
use crate::error::Result;
use crate::ports::Port;

/// Which resolvers to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolvers {
    /// Those of the settings.
    Configured,
    /// The others (the system's), for a second opinion.
    Alternative,
}

/// Looks names up.
///
/// **Promises.** An answer within a bounded time. A failed look-up of mail hosts is an answer ([`MailHosts::Timeout`],
/// [`MailHosts::ServFail`]), not an error.
///
/// **Expects.** Names in canonical form.
///
/// **Errors.** `addresses`: `Unavailable` if nothing answered, `Rejected` with code `no_such_host` if there is none.
///
/// **Example.**
/// ```
/// use std::net::IpAddr;
/// use leadgen_core::domain::mx::MailHosts;
/// use leadgen_core::domain::name::DomainName;
/// use leadgen_core::error::Result;
/// use leadgen_core::ports::dns::{DnsLookup, Resolvers};
///
/// #[derive(Debug)]
/// struct NoMail;
///
/// #[async_trait::async_trait]
/// impl DnsLookup for NoMail {
///     async fn mail_hosts(&self, _domain: &DomainName, _ask: Resolvers) -> MailHosts {
///         MailHosts::NullMx
///     }
///     async fn addresses(&self, _host: &DomainName) -> Result<Vec<IpAddr>> {
///         Ok(vec![])
///     }
/// }
/// ```
#[async_trait]
pub trait DnsLookup: Port {
    /// The mail hosts of a domain, asked once at the given resolvers.
    async fn mail_hosts(&self, domain: &DomainName, ask: Resolvers) -> MailHosts;
    /// All addresses of a host.
    async fn addresses(&self, host: &DomainName) -> Result<Vec<IpAddr>>;
}
