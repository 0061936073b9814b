//! Names → addresses and mail hosts, over hickory. Built once: each resolver owns a cache.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use async_trait::async_trait;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;
use hickory_resolver::{Resolver as Hickory, TokioResolver};

use crate::domain::mx::MailHosts;
use crate::domain::name::DomainName;
use crate::error::{Error, ErrorKind, Result};
use crate::ports::dns::{DnsLookup, Resolvers};

/// How long a missing name is remembered at most.
const NEGATIVE: Duration = Duration::from_mins(15);

/// Asks the configured resolvers, and the system's for a second opinion.
#[derive(Debug)]
pub struct Resolver {
    configured: TokioResolver,
    alternative: Option<TokioResolver>,
    limit: Duration,
}

impl Resolver {
    /// Resolvers at addresses, each try bounded by `timeout`. `offline`: the system's resolvers are not asked.
    pub fn new(servers: &[SocketAddr], timeout: Duration, offline: bool) -> Result<Self> {
        let failed = |e: NetError| Error::new(ErrorKind::Config, "set the resolvers up").code("dns_setup").because(e);
        let foreign = servers.iter().find(|server| offline && !server.ip().is_loopback());
        if let Some(server) = foreign {
            return Err(Error::new(ErrorKind::Config, format!("ask the resolver {server}"))
                .code("offline")
                .detail("offline mode allows loopback only"));
        }
        let configs = servers.iter().map(|server| {
            let (mut udp, mut tcp) = (ConnectionConfig::udp(), ConnectionConfig::tcp());
            udp.port = server.port();
            tcp.port = server.port();
            NameServerConfig::new(server.ip(), true, vec![udp, tcp])
        });
        let config = ResolverConfig::from_name_servers(configs.collect());
        let mut builder = Hickory::builder_with_config(config, TokioRuntimeProvider::default());
        builder.options_mut().timeout = timeout;
        // Tries after the first one: the repeat is the second opinion, asked for by whoever looks up.
        builder.options_mut().attempts = 0;
        // A zone may ask for a day; whether a name is still missing must be seen within the hour.
        builder.options_mut().negative_max_ttl = Some(NEGATIVE);
        let configured = builder.build().map_err(failed)?;
        let alternative = if offline { None } else { TokioResolver::builder_tokio().ok().and_then(|builder| builder.build().ok()) };
        Ok(Self { configured, alternative, limit: timeout * 3 })
    }

    /// The texts of a name, each in one piece; none if there are none. For checking a set-up.
    pub async fn texts(&self, name: &str) -> Result<Vec<String>> {
        let failed = |code: &'static str| Error::new(ErrorKind::Unavailable, format!("read the records of {name}")).code(code);
        let lookup = tokio::time::timeout(self.limit, self.configured.txt_lookup(format!("{name}."))).await;
        match lookup.map_err(|_| failed("dns_timeout"))? {
            Ok(lookup) => Ok(lookup
                .answers()
                .iter()
                .filter_map(|record| match &record.data {
                    RData::TXT(text) => Some(String::from_utf8_lossy(&text.txt_data.concat()).into_owned()),
                    _ => None,
                })
                .collect()),
            Err(error) if error.is_nx_domain() || error.is_no_records_found() => Ok(vec![]),
            Err(NetError::Timeout) => Err(failed("dns_timeout")),
            Err(error) => Err(failed("dns_failed").because(error)),
        }
    }

    fn resolver(&self, ask: Resolvers) -> &TokioResolver {
        match (ask, &self.alternative) {
            (Resolvers::Alternative, Some(other)) => other,
            _ => &self.configured,
        }
    }
}

#[async_trait]
impl DnsLookup for Resolver {
    async fn mail_hosts(&self, domain: &DomainName, ask: Resolvers) -> MailHosts {
        let name = format!("{domain}.");
        let resolver = self.resolver(ask);
        match tokio::time::timeout(self.limit, resolver.mx_lookup(name.as_str())).await {
            Err(_) => MailHosts::Timeout,
            Ok(Ok(lookup)) => {
                let records: Vec<(u16, String)> = lookup
                    .answers()
                    .iter()
                    .filter_map(|record| match &record.data {
                        RData::MX(mx) => Some((mx.preference, mx.exchange.to_ascii())),
                        _ => None,
                    })
                    .collect();
                if !records.is_empty() && records.iter().all(|(_, host)| host == ".") {
                    return MailHosts::NullMx;
                }
                MailHosts::Records(records)
            }
            Ok(Err(error)) if error.is_nx_domain() => MailHosts::NxDomain,
            Ok(Err(error)) if error.is_no_records_found() => match self.addresses(domain).await {
                Ok(addresses) if !addresses.is_empty() => MailHosts::Implicit,
                _ => MailHosts::NoRecords,
            },
            Ok(Err(NetError::Timeout)) => MailHosts::Timeout,
            Ok(Err(_)) => MailHosts::ServFail,
        }
    }

    async fn addresses(&self, host: &DomainName) -> Result<Vec<IpAddr>> {
        let doing = format!("find the address of {host}");
        let name = format!("{host}.");
        let mut answer = tokio::time::timeout(self.limit, self.configured.lookup_ip(name.as_str())).await;
        let is_lost = match &answer {
            Err(_) => true,
            Ok(Err(error)) => !error.is_nx_domain() && !error.is_no_records_found(),
            Ok(Ok(_)) => false,
        };
        // That the system's resolver does not know a name proves nothing while the one that counts is away.
        if is_lost {
            answer = tokio::time::timeout(self.limit, self.resolver(Resolvers::Alternative).lookup_ip(name.as_str())).await;
        }
        match answer {
            Ok(Ok(lookup)) => Ok(lookup.iter().collect()),
            Ok(Err(error)) if !is_lost && (error.is_nx_domain() || error.is_no_records_found()) => {
                Err(Error::new(ErrorKind::Rejected, doing).code("no_such_host").because(error))
            }
            Ok(Err(error)) => Err(Error::new(ErrorKind::Unavailable, doing).code("dns_failed").because(error)),
            Err(_) => Err(Error::new(ErrorKind::Unavailable, doing).code("dns_timeout")),
        }
    }
}
