//! Which events a question counts. Counts honour every filter; what is not kept apart is null.

use pipeline::cell::Cell;
use pipeline::device::{DeviceClass, Os};
use serde::Serialize;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::{IntoParams, ToSchema};
use web::Problem;

use crate::parameters::Parameters;

/// Which events are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
pub(crate) struct Filter {
    /// Only events from this class of device are counted; null: from any.
    #[schema(value_type = Option<String>, required = true, example = "mobile")]
    pub(crate) device: Option<DeviceClass>,
    /// Only events from this operating system are counted; null: from any.
    #[schema(value_type = Option<String>, required = true, example = "ios")]
    pub(crate) os: Option<Os>,
    /// Only events on (true) or after (false) their user's first day are counted; null: both.
    #[schema(required = true)]
    pub(crate) is_new: Option<bool>,
    /// Whether bots' events are counted.
    pub(crate) bots: bool,
}

impl Filter {
    pub(crate) const NAMES: &'static [&'static str] = &["device", "os", "is_new", "bots"];

    /// Reads the four parameters.
    ///
    /// # Errors
    /// When a value is none of its words.
    pub(crate) fn parse(parameters: &Parameters) -> Result<Self, Problem> {
        let device = parameters.one_of(
            "device",
            &DeviceClass::ALL.map(|device| (device.as_str(), device)),
        )?;
        let bots = parameters.one_of("bots", &[("include", true)])?;
        Ok(Self {
            device,
            os: parameters.one_of("os", &Os::ALL.map(|os| (os.as_str(), os)))?,
            is_new: parameters.one_of("is_new", &[("true", true), ("false", false)])?,
            bots: bots.is_some() || device == Some(DeviceClass::Bot),
        })
    }

    /// Whether an event of this cell is counted, were it not a bot's.
    fn picks(&self, cell: &Cell) -> bool {
        self.device.is_none_or(|device| device == cell.device)
            && self.os.is_none_or(|os| os == cell.os)
            && self.is_new.is_none_or(|is_new| is_new == cell.is_new)
    }

    /// Whether events of this cell are counted.
    pub(crate) fn keeps(&self, cell: &Cell) -> bool {
        self.picks(cell) && (self.bots || cell.device != DeviceClass::Bot)
    }

    /// Whether events of this cell are bots' that the filter picks.
    pub(crate) fn keeps_apart(&self, cell: &Cell) -> bool {
        self.picks(cell) && cell.device == DeviceClass::Bot
    }

    /// The parameter that changes what is counted, if one does.
    pub(crate) fn first_name(&self) -> Option<&'static str> {
        [
            self.device.map(|_| "device"),
            self.os.map(|_| "os"),
            self.is_new.map(|_| "is_new"),
            self.bots.then_some("bots"),
        ]
        .into_iter()
        .flatten()
        .next()
    }
}

impl IntoParams for Filter {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let words = |name: &str, words: &[&str], description: &str| {
            let schema = ObjectBuilder::new()
                .schema_type(Type::String)
                .enum_values(Some(words.iter().copied()));
            ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Query)
                .required(Required::False)
                .description(Some(description))
                .schema(Some(schema))
                .build()
        };
        vec![
            words(
                "device",
                &DeviceClass::ALL.map(DeviceClass::as_str),
                "Count only events from this class of device.",
            ),
            words(
                "os",
                &Os::ALL.map(Os::as_str),
                "Count only events from this operating system.",
            ),
            words(
                "is_new",
                &["true", "false"],
                "Count only events on (true) or after (false) their user's first day.",
            ),
            words(
                "bots",
                &["include"],
                "Count bots too, as device=bot does. They are left out of every number but `bots` unless asked for.",
            ),
        ]
    }
}
