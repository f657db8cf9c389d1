//! Which events a question counts. Counts honour every filter; what is not kept apart is null.

use pipeline::cell::Cell;
use pipeline::device::{DeviceClass, Os};
use serde::Serialize;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa::{IntoParams, ToSchema};

use crate::parameters::Parameters;
use crate::problem::Problem;

/// Which events are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filter {
    /// Count only events from this class of device.
    #[param(required = false, schema_with = devices)]
    #[schema(schema_with = devices_or_null)]
    pub(crate) device: Option<DeviceClass>,
    /// Count only events from this operating system.
    #[param(required = false, schema_with = systems)]
    #[schema(schema_with = systems_or_null)]
    pub(crate) os: Option<Os>,
    /// Count only events on (true) or after (false) their user's first day.
    #[param(required = false)]
    pub(crate) is_new: Option<bool>,
    /// Whether bots are counted too (`bots=include`, or `device=bot`); they are left out of every
    /// number but `bots` unless asked for.
    #[param(required = false, schema_with = include)]
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

fn words(words: impl IntoIterator<Item = &'static str>) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(words))
}

fn or_null(names: impl IntoIterator<Item = &'static str>, description: &str) -> Object {
    let values = names.into_iter().map(Some).chain([None]);
    ObjectBuilder::new()
        .schema_type(utoipa::openapi::schema::SchemaType::from_iter([
            Type::String,
            Type::Null,
        ]))
        .enum_values(Some(values))
        .description(Some(description))
        .build()
}

fn devices() -> Object {
    words(DeviceClass::ALL.map(DeviceClass::as_str)).build()
}

fn devices_or_null() -> Object {
    or_null(
        DeviceClass::ALL.map(DeviceClass::as_str),
        "Only events from this class of device are counted; null: from any.",
    )
}

fn systems() -> Object {
    words(Os::ALL.map(Os::as_str)).build()
}

fn systems_or_null() -> Object {
    or_null(
        Os::ALL.map(Os::as_str),
        "Only events from this operating system are counted; null: from any.",
    )
}

fn include() -> Object {
    words(["include"]).build()
}
