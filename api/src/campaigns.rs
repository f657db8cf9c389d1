//! Campaigns and activities: the numbers of each, over its life or some days.

use axum::Json;
use axum::extract::{self, RawQuery};
use serde::Serialize;
use utoipa::ToSchema;
use views::{Answer, Numbers, Question, Scope, Span};
use web::{Body, Kind, Problem};

use crate::State;
use crate::as_of::Stamped;
use crate::days::Days;
use crate::filter::Filter;
use crate::numbers::{Summary, Whole};
use crate::parameters::{Id, Parameters};
use crate::problem;
use crate::reading::Reading;

/// Every campaign.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CampaignsAnswer {
    #[serde(flatten)]
    stamped: Stamped,
    /// The campaigns, in the order of their ids.
    campaigns: Vec<CampaignSummary>,
}

/// A campaign's life in short.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CampaignSummary {
    /// The campaign's id. `(none)` holds events without one; `__other__` those beyond the limit of
    /// names.
    campaign: String,
    #[serde(flatten)]
    summary: Summary,
}

/// A campaign and its activities.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CampaignAnswer {
    #[serde(flatten)]
    stamped: Stamped,
    /// The campaign's id.
    campaign: String,
    #[serde(flatten)]
    asked: Asked,
    #[serde(flatten)]
    whole: Whole,
    /// Its activities with events in the span, in the order of their ids.
    activities: Vec<ActivitySummary>,
}

/// An activity in short.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ActivitySummary {
    /// The activity's id. `(none)` holds events without one; `__other__` those beyond the limit of
    /// names.
    activity: String,
    #[serde(flatten)]
    summary: Summary,
}

/// An activity, in each campaign that has one of that name.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ActivityAnswer {
    #[serde(flatten)]
    stamped: Stamped,
    /// The activity's id.
    activity: String,
    #[serde(flatten)]
    asked: Asked,
    /// The campaigns that have an activity of that name with events in the span.
    campaigns: Vec<ActivityOfCampaign>,
}

/// An activity of one campaign.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ActivityOfCampaign {
    /// The campaign's id.
    campaign: String,
    #[serde(flatten)]
    whole: Whole,
}

/// What was asked, as it was understood.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Asked {
    /// The first local day counted; null: from the beginning.
    #[schema(format = Date, required = true)]
    from: Option<String>,
    /// The last local day counted; null: to the end.
    #[schema(format = Date, required = true)]
    to: Option<String>,
    /// Which events are counted.
    filter: Filter,
    /// Whether there are any events of it in the span, whatever the filter. Over some days an id
    /// that is unknown answers zeros and false here; over a life it answers 404.
    has_events: bool,
}

/// Every campaign's life, in one question; the operators' own, footfall-canary, is left out.
#[utoipa::path(
    get, path = "/v1/campaigns", tag = "numbers", params(Reading),
    security(("token" = ["read"])),
    responses(
        (status = 200, description = "Every campaign", body = CampaignsAnswer),
        (status = 400, description = "A parameter is wrong", body = Body, content_type = "application/problem+json"),
        (status = 401, description = "Tokens are asked for, and none came or it is refused", body = Body, content_type = "application/problem+json"),
        (status = 403, description = "The token lacks the scope read", body = Body, content_type = "application/problem+json"),
        (status = 429, description = "Too many wrong tokens came from this address", body = Body, content_type = "application/problem+json"),
        (status = 503, description = "The store doesn't answer for now; Retry-After says when to ask again", body = Body, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn campaigns(
    extract::State(state): extract::State<State>,
    RawQuery(query): RawQuery,
) -> Result<Json<CampaignsAnswer>, Problem> {
    let parameters = Parameters::parse(query.as_deref(), &[Reading::NAMES])?;
    let reading = Reading::parse(&parameters)?;
    let (answer, stamped) = reading.ask(&state, &Question::Campaigns, None).await?;
    let campaigns = answer.scopes.iter();
    Ok(Json(CampaignsAnswer {
        stamped,
        campaigns: campaigns
            .filter(|(scope, _)| scope.activity.is_none())
            .filter(|(scope, _)| *scope.campaign != *schemas::canary::CAMPAIGN)
            .map(|(scope, numbers)| CampaignSummary {
                campaign: scope.campaign.to_string(),
                summary: Summary::of(numbers, Span::Life, &Filter::default()),
            })
            .collect(),
    }))
}

/// A campaign and each of its activities, in one question.
#[utoipa::path(
    get, path = "/v1/campaigns/{id}", tag = "numbers",
    params(("id" = String, Path, description = "The campaign's id"), Days, Filter, Reading),
    security(("token" = ["read"])),
    responses(
        (status = 200, description = "The campaign", body = CampaignAnswer),
        (status = 400, description = "A parameter is wrong, or the span begins before the hot window and there is no history store", body = Body, content_type = "application/problem+json"),
        (status = 401, description = "Tokens are asked for, and none came or it is refused", body = Body, content_type = "application/problem+json"),
        (status = 403, description = "The token lacks the scope read", body = Body, content_type = "application/problem+json"),
        (status = 429, description = "Too many wrong tokens came from this address", body = Body, content_type = "application/problem+json"),
        (status = 404, description = "No event names this campaign", body = Body, content_type = "application/problem+json"),
        (status = 503, description = "The store doesn't answer for now; Retry-After says when to ask again", body = Body, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn campaign(
    extract::State(state): extract::State<State>,
    Id(campaign): Id,
    RawQuery(query): RawQuery,
) -> Result<Json<CampaignAnswer>, Problem> {
    let request = Request::parse(query.as_deref())?;
    let question = Question::Campaign {
        campaign: campaign.clone(),
        span: request.span(),
    };
    let (answer, stamped) = request.ask(&state, &question).await?;
    if answer.scopes.is_empty() && request.span() == Span::Life {
        return Err(unknown(problem::UNKNOWN_CAMPAIGN, "campaign", &campaign));
    }
    let whole = Scope {
        campaign: campaign.as_str().into(),
        activity: None,
    };
    let nothing = Numbers::default();
    let numbers = answer.scopes.get(&whole).unwrap_or(&nothing);
    let summary = |numbers| Summary::of(numbers, request.span(), &request.filter);
    Ok(Json(CampaignAnswer {
        stamped,
        asked: request.asked(&answer),
        whole: Whole::of(numbers, request.span(), &request.filter),
        activities: answer
            .scopes
            .iter()
            .filter_map(|(scope, numbers)| {
                Some(ActivitySummary {
                    activity: scope.activity.as_ref()?.to_string(),
                    summary: summary(numbers),
                })
            })
            .collect(),
        campaign,
    }))
}

/// An activity, in each campaign that has one of that name, in one question.
#[utoipa::path(
    get, path = "/v1/activities/{id}", tag = "numbers",
    params(("id" = String, Path, description = "The activity's id"), Days, Filter, Reading),
    security(("token" = ["read"])),
    responses(
        (status = 200, description = "The activity", body = ActivityAnswer),
        (status = 400, description = "A parameter is wrong, or the span begins before the hot window and there is no history store", body = Body, content_type = "application/problem+json"),
        (status = 401, description = "Tokens are asked for, and none came or it is refused", body = Body, content_type = "application/problem+json"),
        (status = 403, description = "The token lacks the scope read", body = Body, content_type = "application/problem+json"),
        (status = 429, description = "Too many wrong tokens came from this address", body = Body, content_type = "application/problem+json"),
        (status = 404, description = "No event names this activity", body = Body, content_type = "application/problem+json"),
        (status = 503, description = "The store doesn't answer for now; Retry-After says when to ask again", body = Body, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn activity(
    extract::State(state): extract::State<State>,
    Id(activity): Id,
    RawQuery(query): RawQuery,
) -> Result<Json<ActivityAnswer>, Problem> {
    let request = Request::parse(query.as_deref())?;
    let question = Question::Activity {
        activity: activity.clone(),
        span: request.span(),
    };
    let (answer, stamped) = request.ask(&state, &question).await?;
    if answer.scopes.is_empty() && request.span() == Span::Life {
        return Err(unknown(problem::UNKNOWN_ACTIVITY, "activity", &activity));
    }
    Ok(Json(ActivityAnswer {
        stamped,
        asked: request.asked(&answer),
        campaigns: answer
            .scopes
            .iter()
            .map(|(scope, numbers)| ActivityOfCampaign {
                campaign: scope.campaign.to_string(),
                whole: Whole::of(numbers, request.span(), &request.filter),
            })
            .collect(),
        activity,
    }))
}

/// The parameters of a campaign's or an activity's numbers.
struct Request {
    days: Days,
    filter: Filter,
    reading: Reading,
}

impl Request {
    fn parse(query: Option<&str>) -> Result<Self, Problem> {
        let known = [Days::NAMES, Filter::NAMES, Reading::NAMES];
        let parameters = Parameters::parse(query, &known)?;
        Ok(Self {
            days: Days::parse(&parameters)?,
            filter: Filter::parse(&parameters)?,
            reading: Reading::parse(&parameters)?,
        })
    }

    fn span(&self) -> Span {
        self.days.span()
    }

    async fn ask(&self, state: &State, question: &Question) -> Result<(Answer, Stamped), Problem> {
        self.reading.ask(state, question, self.days.from).await
    }

    fn asked(&self, answer: &Answer) -> Asked {
        let text = |day| pipeline::row::date_of(day).to_string();
        Asked {
            from: self.days.from.map(text),
            to: self.days.to.map(text),
            filter: self.filter,
            has_events: !answer.scopes.is_empty(),
        }
    }
}

fn unknown(kind: Kind, what: &str, id: &str) -> Problem {
    let detail = format!(
        "no counted event names the {what} {id:?}; GET /v1/campaigns lists the campaigns, and a new one appears with its first event"
    );
    Problem::of(kind, "id", detail)
}
