//! Every form of question, and what the rows of given images answer to it.

use pipeline::calendar::Calendar;
use pipeline::row::{NamedCells, Period, add_row, date_of, day_of};
use views::collect::Selection;
use views::{Answer, AsOf, Question, Span, Step};

use super::log::{ACTIVITIES, CAMPAIGNS, FIRST_MS, Image};

/// Questions of each form: with and without events, people and ends that fall between rows.
/// Without minutes if the store has none.
pub fn all(minutes: bool) -> Vec<Question> {
    let mut questions = vec![Question::Campaigns];
    for span in spans() {
        for campaign in CAMPAIGNS.into_iter().chain(["nowhere", ""]) {
            let campaign = campaign.to_owned();
            questions.push(Question::Campaign { campaign, span });
        }
        for activity in ACTIVITIES.into_iter().chain(["nowhere"]) {
            let activity = activity.to_owned();
            questions.push(Question::Activity { activity, span });
        }
    }
    let first = FIRST_MS / 1000;
    let mut steps = vec![Step::Hour, Step::Day];
    steps.extend(minutes.then_some(Step::Minute));
    for step in steps {
        for (from, to) in [
            (first, first + 30 * 86_400),
            (first + 3 * 86_400 + 1_234, first + 5 * 86_400 + 61),
            (first + 86_400, first + 86_400),
            (first + 86_400, first),
        ] {
            for campaign in CAMPAIGNS {
                let campaign = campaign.to_owned();
                questions.push(Question::Series {
                    campaign,
                    from,
                    to,
                    step,
                });
            }
        }
    }
    questions
}

fn spans() -> Vec<Span> {
    let first = (FIRST_MS / 86_400_000) as u16;
    let date = date_of(first + 7);
    let monday = first + 7 - date.weekday().to_monday_zero_offset() as u16;
    let month_start = day_of(date.first_of_month()).unwrap();
    let month_end = day_of(date.last_of_month()).unwrap();
    let days = |from, to| Span::Days { from, to };
    let spans = vec![
        Span::Life,
        days(first + 2, first + 2),
        days(monday, monday + 6),
        days(month_start, month_end),
        days(first + 1, first + 20),
        days(first + 5, first + 4),
    ];
    assert!(matches!(spans[2].people_period(), Some(Period::Week(_))));
    assert!(matches!(spans[3].people_period(), Some(Period::Month(_))));
    spans
}

/// The answer of these images' rows.
pub fn answer(question: &Question, calendar: &Calendar, as_of: AsOf, images: &[&Image]) -> Answer {
    let rows = images.iter().flat_map(|image| image.iter());
    let rows = rows.map(|(key, row)| (key.clone(), row.as_ref().clone()));
    Selection::new(question, calendar).collect(as_of, rows)
}

/// The cells of these images' rows, partitions added up.
pub fn cells(images: &[&Image]) -> NamedCells {
    let mut cells = NamedCells::new();
    for (key, row) in images.iter().flat_map(|image| image.iter()) {
        add_row(&mut cells, key, row);
    }
    cells
}
