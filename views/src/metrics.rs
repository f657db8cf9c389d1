//! The metrics of the stores' clients; the page docs/metrics.md lists them.

use metrics::{describe_counter, describe_gauge};

/// Counter.
pub(crate) const THROTTLED: &str = "footfall_opensearch_throttled_documents_total";
/// Gauge.
pub(crate) const BULK_DOCUMENTS: &str = "footfall_opensearch_bulk_documents";
/// Gauge.
pub(crate) const BLOCKED: &str = "footfall_opensearch_blocked";

/// Gauge.
pub(crate) const EVICTS: &str = "footfall_redis_evicts";
/// Gauge.
pub(crate) const UNUSED_INDICES: &str = "footfall_opensearch_unused_indices";

/// Gives each metric its HELP line.
pub fn describe() {
    describe_counter!(
        THROTTLED,
        "Documents that OpenSearch had no room for, each time it said so; they are sent again"
    );
    describe_gauge!(
        BULK_DOCUMENTS,
        "The most documents that a bulk request holds now; fewer while OpenSearch refuses some"
    );
    describe_gauge!(
        UNUSED_INDICES,
        "Indices of past definitions that analysts are not shown and that nobody has written to for a day"
    );
    describe_gauge!(
        BLOCKED,
        "1 while OpenSearch takes no writes to the index, because of a block that a person or a full disk has set"
    );
    describe_gauge!(
        EVICTS,
        "1 while a primary of Redis has a maxmemory-policy by which it may drop rows in silence"
    );
}
