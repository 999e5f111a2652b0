//! A metric stream's queue: SQS.

use std::{collections::HashMap, time::Duration};

use airshed_collect::{
    CallError, CallErrorKind,
    cloud::Answer,
    stream::{Message, Queue},
};
use async_trait::async_trait;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_sqs::{
    Client,
    types::{
        BatchResultErrorEntry, DeleteMessageBatchRequestEntry, MessageSystemAttributeName, QueueAttributeName,
    },
};

use crate::{
    call::{Caller, Place, odd},
    clients::at,
};

/// Most messages of a receive, and the longest wait of one.
/// Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html>.
const MESSAGES: i32 = 10;
const WAIT: Duration = Duration::from_secs(20);

/// What is said of a receipt whose message is gone, or was received again since.
const GONE: [&str; 2] = ["ReceiptHandleIsInvalid", "InvalidParameterValue"];

/// A queue of SQS, through the role of a stream's reader.
#[derive(Debug)]
pub struct SqsQueue {
    pub(crate) client: Client,
    pub(crate) caller: Caller,
    pub(crate) place: Place,
    pub(crate) url: String,
    pub(crate) attempt_timeout: Duration,
}

#[async_trait]
impl Queue for SqsQueue {
    async fn receive(&self, wait: Duration) -> Answer<Vec<Message>> {
        const CALL: &str = "ReceiveMessage";
        let wait = wait.min(WAIT);
        let place = &self.place;
        let request = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(MESSAGES)
            // At most 20.
            .wait_time_seconds(i32::try_from(wait.as_secs()).unwrap_or_default())
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .customize();
        let timeouts =
            TimeoutConfig::builder().operation_attempt_timeout(wait + self.attempt_timeout).build();
        let answer = self
            .caller
            .call(CALL, place, |credentials| {
                request.config_override(at!(aws_sdk_sqs, place, credentials).timeout_config(timeouts)).send()
            })
            .await?;
        let messages = answer.messages.unwrap_or_default().into_iter();
        messages.map(|message| whole(message).ok_or_else(|| odd(CALL, place, "a message in part"))).collect()
    }

    async fn delete(&self, receipts: &[String]) -> Answer<()> {
        const CALL: &str = "DeleteMessageBatch";
        if receipts.is_empty() {
            return Ok(());
        }
        let place = &self.place;
        let entries = receipts.iter().enumerate().map(|(index, receipt)| {
            let entry =
                DeleteMessageBatchRequestEntry::builder().id(index.to_string()).receipt_handle(receipt);
            entry.build().map_err(|error| odd(CALL, place, error))
        });
        let request = self
            .client
            .delete_message_batch()
            .queue_url(&self.url)
            .set_entries(Some(entries.collect::<Answer<_>>()?))
            .customize();
        let answer = self
            .caller
            .call(CALL, place, |credentials| {
                request.config_override(at!(aws_sdk_sqs, place, credentials)).send()
            })
            .await?;
        match answer.failed().iter().find(|entry| !GONE.contains(&code(entry))) {
            None => Ok(()),
            Some(failed) => {
                let kind =
                    if failed.sender_fault() { CallErrorKind::Invalid } else { CallErrorKind::Transient };
                let message = format!("{}: {}", failed.code(), failed.message().unwrap_or_default());
                Err(CallError::new(kind, format!("{CALL} in {place}"), message))
            }
        }
    }

    async fn waiting(&self) -> Answer<u64> {
        const CALL: &str = "GetQueueAttributes";
        const COUNTS: [QueueAttributeName; 2] = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        ];
        let place = &self.place;
        let request = self
            .client
            .get_queue_attributes()
            .queue_url(&self.url)
            .set_attribute_names(Some(COUNTS.to_vec()))
            .customize();
        let answer = self
            .caller
            .call(CALL, place, |credentials| {
                request.config_override(at!(aws_sdk_sqs, place, credentials)).send()
            })
            .await?;
        let told = answer.attributes.unwrap_or_else(HashMap::new);
        let count = |name| told.get(&name).and_then(|count| count.parse::<u64>().ok());
        let counts = COUNTS.map(|name| count(name).ok_or_else(|| odd(CALL, place, "no count of messages")));
        counts.into_iter().sum()
    }
}

/// Codes of SQS come with or without a prefix that names the service.
fn code(entry: &BatchResultErrorEntry) -> &str {
    entry.code().rsplit('.').next().unwrap_or_default()
}

fn whole(message: aws_sdk_sqs::types::Message) -> Option<Message> {
    let received = message.attributes().and_then(|attributes| {
        attributes.get(&MessageSystemAttributeName::ApproximateReceiveCount)?.parse().ok()
    });
    Some(Message {
        received: received?,
        id: message.message_id?,
        receipt: message.receipt_handle?,
        body: message.body.unwrap_or_default(),
    })
}

/// Region of a queue, from its URL; none where the host is not one of AWS, as on a server on loopback.
pub(crate) fn region(url: &str) -> Option<&str> {
    let host = url.split_once("://")?.1.split(['/', ':']).next()?;
    let mut labels = host.split('.');
    let (first, second) = (labels.next()?, labels.next()?);
    if !host.ends_with(".amazonaws.com") && !host.ends_with(".amazonaws.com.cn") {
        return None;
    }
    match (first, second) {
        ("sqs" | "sqs-fips", region) | (region, "queue") => Some(region),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_follow_from_urls() {
        for (url, expected) in [
            ("https://sqs.eu-west-1.amazonaws.com/111122223333/airshed-metrics", Some("eu-west-1")),
            ("https://sqs.cn-north-1.amazonaws.com.cn/111122223333/q", Some("cn-north-1")),
            ("https://us-west-2.queue.amazonaws.com/111122223333/q", Some("us-west-2")),
            ("https://queue.amazonaws.com/111122223333/q", None),
            ("http://127.0.0.1:5000/111122223333/q", None),
            ("https://sqs.eu-west-1.example.com/1/q", None),
            ("nonsense", None),
        ] {
            assert_eq!(region(url), expected, "{url}");
        }
    }

    #[test]
    fn a_message_without_its_count_is_odd() {
        let message =
            || aws_sdk_sqs::types::Message::builder().message_id("m").receipt_handle("r").body("{}");
        let counted = message().attributes(MessageSystemAttributeName::ApproximateReceiveCount, "3").build();
        assert_eq!(whole(counted).map(|message| (message.id, message.received)), Some(("m".into(), 3)));
        assert_eq!(whole(message().build()), None);
    }
}
