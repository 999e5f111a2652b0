//! What leaves the process about itself: log lines on standard error, traces by OTLP, metrics for Prometheus.
//!
//! Traces and metrics are off until an address is configured. Spans carry no credentials and no data.

use std::net::SocketAddr;

use anyhow::Context as _;
use metrics_exporter_prometheus::PrometheusBuilder;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{
    Resource, runtime,
    trace::{SdkTracerProvider, span_processor_with_async_runtime::BatchSpanProcessor},
};
use tracing_subscriber::{
    Layer as _, filter::LevelFilter, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use crate::failure::Problem;

/// The path of traces below an endpoint, as OTLP over HTTP has it.
/// <https://opentelemetry.io/docs/specs/otlp/#otlphttp-request>
const TRACES_PATH: &str = "/v1/traces";

/// Sends what is left when it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Telemetry {
    traces: Option<SdkTracerProvider>,
}

impl Telemetry {
    /// Begins to write log lines and, with an endpoint, to send traces.
    pub(crate) fn start(
        logs: LevelFilter,
        with_target: bool,
        otlp_endpoint: Option<&str>,
    ) -> anyhow::Result<Self> {
        let lines = tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(crate::output::colour_on_stderr())
            .with_target(with_target)
            .with_filter(logs);
        let provider = otlp_endpoint.map(provider).transpose()?;
        let traces = provider.as_ref().map(|provider| {
            tracing_opentelemetry::layer()
                .with_tracer(provider.tracer("airshed"))
                .with_filter(LevelFilter::INFO)
        });
        tracing_subscriber::registry().with(lines).with(traces).init();
        Ok(Self { traces: provider })
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.traces.as_ref().map(SdkTracerProvider::shutdown) {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

fn provider(endpoint: &str) -> anyhow::Result<SdkTracerProvider> {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}{TRACES_PATH}", endpoint.trim_end_matches('/')))
        .build()
        .with_context(|| Problem::usage(format!("traces cannot be sent to {endpoint}")))?;
    let processor = BatchSpanProcessor::builder(exporter, runtime::Tokio).build();
    let resource = Resource::builder().with_service_name("airshed").build();
    Ok(SdkTracerProvider::builder().with_span_processor(processor).with_resource(resource).build())
}

/// Serves metrics to Prometheus at `http://ADDRESS/metrics`.
pub(crate) fn serve_metrics(address: SocketAddr) -> anyhow::Result<()> {
    PrometheusBuilder::new()
        .with_http_listener(address)
        .install()
        .with_context(|| Problem::usage(format!("metrics cannot be served at {address}")))
}
