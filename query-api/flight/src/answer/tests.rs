use std::sync::{Arc, Mutex};

use airshed_query_api::audit::{Asked, Audit};
use arrow::{
    array::{ArrayRef, DictionaryArray, Int64Array},
    datatypes::Int32Type,
};
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::error::FlightError;
use datafusion::{error::DataFusionError, physical_plan::stream::RecordBatchStreamAdapter};
use tokio::sync::Semaphore;

use super::*;

const STALL: Duration = Duration::from_millis(50);

#[derive(Default)]
struct Log(Mutex<Vec<(String, Option<ErrorKind>)>>);

impl Audit for Log {
    fn asked(&self, asked: Asked<'_>) {
        assert_eq!((asked.who, asked.interface), ("ada", "flight"));
        self.0.lock().unwrap().push((asked.sql.to_owned(), asked.failed));
    }
}

impl Log {
    fn noted(&self) -> Vec<(String, Option<ErrorKind>)> {
        self.0.lock().unwrap().clone()
    }
}

fn batch() -> RecordBatch {
    let words: DictionaryArray<Int32Type> = ["a", "b", "a"].into_iter().collect();
    let columns: [(&str, ArrayRef); 2] =
        [("words", Arc::new(words)), ("numbers", Arc::new(Int64Array::from(vec![1, 2, 3])))];
    RecordBatch::try_from_iter(columns).unwrap()
}

struct Asking {
    log: Arc<Log>,
    places: Arc<Semaphore>,
}

impl Asking {
    fn new() -> Self {
        Self { log: Arc::default(), places: Arc::new(Semaphore::new(1)) }
    }

    fn answer(
        &self,
        rows: impl Stream<Item = Result<RecordBatch, DataFusionError>> + Send + 'static,
    ) -> Messages {
        let audit: Arc<dyn Audit> = Arc::<Log>::clone(&self.log);
        let schema = batch().schema();
        stream(Running {
            rows: Box::pin(RecordBatchStreamAdapter::new(schema.clone(), rows)),
            schema: wire::schema(&schema),
            place: Arc::clone(&self.places).try_acquire_owned().unwrap(),
            stall_timeout: STALL,
            note: Note::new(&audit, "ada", "SELECT 1"),
        })
    }

    /// Waits until the statement has given back its place.
    async fn ended(&self) {
        drop(timeout(Duration::from_secs(10), self.places.acquire()).await.unwrap().unwrap());
    }
}

#[tokio::test]
async fn rows_arrive_in_plain_types_and_are_noted() {
    let asking = Asking::new();
    let messages = asking.answer(stream::iter([Ok(batch()), Ok(batch())]));
    let rows = FlightRecordBatchStream::new_from_flight_data(messages.map_err(FlightError::from));
    let batches: Vec<RecordBatch> = rows.try_collect().await.unwrap();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 6);
    assert_eq!(batches[0].schema(), wire::schema(batch().schema_ref()));
    asking.ended().await;
    assert_eq!(asking.log.noted(), [("SELECT 1".to_owned(), None)]);
}

#[tokio::test]
async fn an_error_in_mid_answer_is_told_and_noted() {
    let asking = Asking::new();
    let error = Error::with_source(ErrorKind::Limit(Exceeded::Rows), "too many rows", "add a LIMIT");
    let rows = [Ok(batch()), Err(DataFusionError::External(Box::new(error)))];
    let messages: Vec<_> = asking.answer(stream::iter(rows)).collect().await;
    let told = messages.last().unwrap().as_ref().unwrap_err();
    assert_eq!((told.code(), told.message()), (tonic::Code::ResourceExhausted, "too many rows: add a LIMIT"));
    asking.ended().await;
    assert_eq!(asking.log.noted()[0].1, Some(ErrorKind::Limit(Exceeded::Rows)));
}

#[tokio::test]
async fn who_goes_away_stops_the_statement() {
    let asking = Asking::new();
    let mut messages = asking.answer(stream::iter([Ok(batch())]).chain(stream::pending()));
    assert!(messages.next().await.unwrap().is_ok());
    drop(messages);
    asking.ended().await;
    assert_eq!(asking.log.noted()[0].1, Some(ErrorKind::Limit(Exceeded::Time)));
}

#[tokio::test]
async fn who_does_not_read_is_told_that_rows_are_missing() {
    let asking = Asking::new();
    let messages = asking.answer(stream::repeat_with(|| Ok(batch())));
    asking.ended().await;
    let messages: Vec<_> = messages.collect().await;
    assert_eq!(messages.len(), AHEAD + 1);
    let told = messages.last().unwrap().as_ref().unwrap_err();
    assert!(told.message().contains("not read for 0.05 s"), "{told}");
}

#[tokio::test]
async fn a_statement_that_breaks_off_is_no_whole_answer() {
    let asking = Asking::new();
    let rows = stream::iter([0]).map(|_| -> Result<RecordBatch, DataFusionError> { panic!("a defect") });
    let messages: Vec<_> = asking.answer(rows).collect().await;
    assert_eq!(messages.last().unwrap().as_ref().unwrap_err().code(), tonic::Code::Internal);
}
