//! The town's name server: UDP, one answer a question.

use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::sync::{Arc, Mutex};

use hickory_proto::op::{Message, MessageType, OpCode, ResponseCode};
use hickory_proto::rr::rdata::{A, MX, TXT};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use tokio::net::UdpSocket;

use crate::faults::{Action, Faults};
use crate::firms::Firm;

/// What the names of the town mean.
pub(crate) struct Zone {
    pub(crate) firms: Arc<Vec<Firm>>,
    pub(crate) own: Vec<String>,
    /// Texts by name: what senders say of themselves.
    pub(crate) texts: Vec<(String, String)>,
    pub(crate) faults: Faults,
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
}

/// Answers until it is stopped.
pub(crate) async fn serve(socket: UdpSocket, zone: Arc<Zone>) {
    let mut buffer = [0_u8; 1500];
    loop {
        let Ok((length, peer)) = socket.recv_from(&mut buffer).await else { continue };
        if let Some(answer) = zone.answer(&buffer[..length], peer) {
            let _ = socket.send_to(&answer, peer).await;
        }
    }
}

impl Zone {
    fn answer(&self, question: &[u8], _peer: SocketAddr) -> Option<Vec<u8>> {
        let request = Message::from_vec(question).ok()?;
        let query = request.queries.first()?.clone();
        let name = query.name().to_ascii().trim_end_matches('.').to_lowercase();
        let mut response = Message::new(request.metadata.id, MessageType::Response, OpCode::Query);
        response.metadata.recursion_desired = true;
        response.metadata.recursion_available = true;
        response.add_query(query.clone());
        if let Ok(mut asked) = self.asked.lock() {
            asked.push(format!("{} {name}", query.query_type()));
        }
        match self.faults.strike("dns", &query.query_type().to_string(), &name) {
            Some(Action::Stall | Action::Drop) => return None,
            Some(Action::NoRecords) => return response.to_vec().ok(),
            Some(other) => {
                let is_absent = other == Action::NoSuchName;
                response.metadata.response_code = if is_absent { ResponseCode::NXDomain } else { ResponseCode::ServFail };
                return response.to_vec().ok();
            }
            None => {}
        }
        match self.records(&name, query.query_type()) {
            Some(records) => {
                for data in records {
                    response.add_answer(Record::from_rdata(query.name().clone(), 300, data));
                }
            }
            None => response.metadata.response_code = ResponseCode::NXDomain,
        }
        response.to_vec().ok()
    }

    /// The records of a name; `None`: no such name.
    fn records(&self, name: &str, kind: RecordType) -> Option<Vec<RData>> {
        let here = || RData::A(A(Ipv4Addr::LOCALHOST));
        let bare = name.strip_prefix("www.").or_else(|| name.strip_prefix("spb.")).unwrap_or(name);
        let firm = self.firms.iter().find(|firm| firm.host == bare);
        let is_own = self.own.iter().any(|host| host == bare);
        let is_mail_host = self.firms.iter().any(|firm| firm.mx.iter().flatten().any(|host| host == name));
        let texts: Vec<RData> =
            self.texts.iter().filter(|(of, _)| of == name).map(|(_, text)| RData::TXT(TXT::new(vec![text.clone()]))).collect();
        match kind {
            RecordType::TXT if !texts.is_empty() => Some(texts),
            RecordType::A if firm.is_some() || is_own || is_mail_host => Some(vec![here()]),
            RecordType::MX if is_own => mx(&["mx.yandex.net".to_owned()]),
            RecordType::MX if bare == name => match firm.map(|firm| &firm.mx) {
                Some(None) => Some(vec![RData::MX(MX::new(0, Name::root()))]),
                Some(Some(hosts)) => mx(hosts),
                None if is_mail_host => Some(vec![]),
                None => None,
            },
            _ if firm.is_some() || is_own || is_mail_host => Some(vec![]),
            _ => None,
        }
    }
}

fn mx(hosts: &[String]) -> Option<Vec<RData>> {
    let records = hosts.iter().enumerate().map(|(index, host)| {
        let name = Name::from_str(&format!("{host}.")).ok()?;
        Some(RData::MX(MX::new(10 * (index as u16 + 1), name)))
    });
    records.collect()
}
