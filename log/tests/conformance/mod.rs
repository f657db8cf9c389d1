//! What every back end of the log must do, as functions over a harness. Each is run by each back end.

mod consuming;
mod following;
mod producing;
mod reading;
pub mod tools;

use std::sync::Arc;

use footfall_log::{Consumer, Positions, Producer, Reader};

pub use consuming::*;
pub use following::*;
pub use producing::*;
pub use reading::*;

/// Partitions of a harness's topic.
pub const PARTITIONS: u32 = 4;

/// A fresh topic of [`PARTITIONS`] partitions on some back end.
pub trait Harness {
    fn producer(&self) -> Arc<dyn Producer>;
    /// The only consumer of the topic; another one may be made when it has left.
    fn consumer(&self, positions: Arc<dyn Positions>) -> Box<dyn Consumer>;
    /// One of any number, beside the consumer.
    fn follower(&self, positions: Arc<dyn Positions>) -> Box<dyn Consumer>;
    fn reader(&self) -> Box<dyn Reader>;
    /// Removes the records of a partition below an offset, as retention would.
    fn trim(&self, partition: u32, below: u64);
}

/// Makes a test of each function of the suite. `$make` makes a harness; `$attribute` goes onto each test.
#[macro_export]
macro_rules! conformance {
    ($make:path $(, $attribute:meta)?) => {
        conformance!(@each $make, [$($attribute)?],
            acknowledged_records_are_read_back_once_and_in_order,
            the_key_decides_the_partition_by_murmur2,
            an_explicit_partition_is_honoured,
            headers_and_empty_keys_and_values_round_trip,
            append_times_never_go_back_within_a_partition,
            concurrent_producers_lose_nothing,
            an_unknown_partition_is_refused,
            an_empty_append_is_acknowledged,
            each_of_several_callers_is_told_where_its_own_records_stand,
            a_consumer_starts_where_the_positions_say,
            a_consumer_that_waits_is_woken_by_an_append,
            a_start_beyond_the_end_halts_the_partition,
            a_start_before_the_start_halts_the_partition,
            an_error_of_the_positions_halts_only_its_partition,
            a_partition_whose_start_comes_later_is_consumed_from_there,
            a_paused_partition_stands_still_and_goes_on_without_loss_or_repetition,
            each_of_several_followers_reads_everything_beside_a_consumer,
            a_follower_starts_where_the_positions_say_and_goes_on,
            a_follower_that_waits_is_woken_by_an_append,
            a_follower_says_which_offset_is_not_there,
            a_reader_reads_exactly_the_range,
            a_reader_stops_when_told,
            a_reader_refuses_a_range_that_is_not_held,
        );
    };
    (@each $make:path, $attribute:tt, $($name:ident,)*) => {
        $(conformance!(@one $make, $attribute, $name);)*
    };
    (@one $make:path, [$($attribute:meta)?], $name:ident) => {
        #[test]
        $(#[$attribute])?
        fn $name() {
            $crate::conformance::$name(&$make());
        }
    };
}
