//! trivago (RecSys Challenge 2019): `train.csv` (sessions with steps, ten types of action) and, where it is there,
//! `item_metadata.csv`. Only six types are done to an item; the rows of the other four are left out, counted by type.
//! `test.csv`, whose targets were held back, is not read, nor are impressions, prices, filters, cities and devices.

use super::Options;
use super::draft::{Draft, Drafts};
use super::intake::Intake;
use super::known::Values;
use super::raw::{Fault, Form, Row};
use crate::data::events::{Clock, Group};
use crate::engine::stage::{StageError, Task};

const EVENT: &[&str] = &["user_id", "session_id", "timestamp", "step", "action_type", "reference"];
const ITEM: &[&str] = &["item_id", "properties"];

/// Actions that are done to an item, and what is told of those whose reference is no item.
const OF_ITEMS: [(&str, &str); 6] = [
    ("interaction item image", "rows left out: `interaction item image` without an item"),
    ("clickout item", "rows left out: `clickout item` without an item"),
    ("interaction item info", "rows left out: `interaction item info` without an item"),
    ("interaction item rating", "rows left out: `interaction item rating` without an item"),
    ("interaction item deals", "rows left out: `interaction item deals` without an item"),
    ("search for item", "rows left out: `search for item` without an item"),
];

/// Actions that are done to something else, and what is told of them.
const OTHERS: [(&str, &str); 4] = [
    ("filter selection", "rows left out: `filter selection`"),
    ("search for destination", "rows left out: `search for destination`"),
    ("change of sort order", "rows left out: `change of sort order`"),
    ("search for poi", "rows left out: `search for poi`"),
];

/// Reads the files.
///
/// # Errors
/// A missing file, or bad rows.
pub(super) fn ingest(task: &Task<'_>, options: &Options) -> Result<(), StageError> {
    let mut intake = Intake::create(task, options.bad_rows, Clock::Seconds, Group::Session)?;
    let (train, items) = (intake.raw().require("train.csv")?, intake.raw().find("item_metadata.csv")?);
    intake.log(&train, &Form::csv(EVENT), event)?;
    if let Some(items) = items {
        intake.items(&items, &Form::csv(ITEM), &["properties"], item)?;
    }
    intake.finish()
}

/// A row of the log. Times of a session tie, so that its steps give the order.
fn event(row: &Row<'_>, drafts: &mut Drafts) -> Result<(), Fault> {
    let (time, step, action) = (row.number(2)?, row.number(3)?, row.bytes(4));
    let order = u32::try_from(step).ok().filter(|order| *order < u32::MAX);
    let order = order.ok_or_else(|| Fault::of(3, "is no step", "steps count from 1"))?;
    if let Some((_, why)) = OTHERS.iter().find(|(name, _)| name.as_bytes() == action) {
        drafts.leave_out(why);
        return Ok(());
    }
    let Some((_, why)) = OF_ITEMS.iter().find(|(name, _)| name.as_bytes() == action) else {
        return Err(Fault::of(4, "is no type of action", "there are ten, like `clickout item` and `search for poi`"));
    };
    // Some references of these actions are names of places: the item is then missing, and the row is sound.
    let Ok(item) = row.digits(5) else {
        drafts.leave_out(why);
        return Ok(());
    };
    let draft = Draft {
        user: drafts.key(row, 0)?,
        session: drafts.key(row, 1)?,
        item: drafts.key_of(item),
        operation: drafts.key_of(action),
        time: Some(time),
        order: Some(order),
        part: None,
    };
    drafts.push(draft);
    Ok(())
}

/// An item, whose properties are a list parted by `|`.
fn item(row: &Row<'_>, values: &mut Values) -> Result<(), Fault> {
    values.name(row.digits(0)?);
    values.push(Some(&row.text(1)?));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::Format;
    use super::super::tests::{Ingested, ingested};
    use super::*;

    const HEADER: &str = "user_id,session_id,timestamp,step,action_type,reference,platform,city,device,\
        current_filters,impressions,prices\n";

    fn read(rows: &str, items: Option<&str>) -> Result<Ingested, StageError> {
        let log = format!("{HEADER}{rows}");
        let mut files = vec![("train.csv", log.as_bytes())];
        files.extend(items.map(|items| ("item_metadata.csv", items.as_bytes())));
        ingested(Format::Trivago, &Options::default(), &files)
    }

    #[test]
    fn steps_order_a_session_whose_times_tie_and_what_is_done_to_no_item_is_counted() {
        let rows = "U1,s1,1541030400,1,search for destination,\"Graz, Austria\",AT,\"Graz, Austria\",mobile,,,\n\
            U1,s1,1541030455,3,clickout item,70001,AT,\"Graz, Austria\",mobile,4 Star|Spa,70003|70001,81|64\n\
            U1,s1,1541030455,2,interaction item image,70001,AT,\"Graz, Austria\",mobile,,,\n\
            U1,s1,1541030460,4,search for item,Hotel Krone,AT,\"Graz, Austria\",mobile,,,\n\
            U1,s1,1541030461,5,clickout item,,AT,\"Graz, Austria\",mobile,,,\n";
        let made = read(rows, Some("item_id,properties\n70001,Hotel|4 Star|Free WiFi (Combined)\n")).unwrap();
        let found: Vec<_> = made.events.iter().map(|e| (e.1.as_str(), e.3.as_str(), e.4, e.5)).collect();
        assert_eq!(
            found,
            [("s1", "clickout item", 1_541_030_455, 1), ("s1", "interaction item image", 1_541_030_455, 2)]
        );
        assert_eq!(made.orders, [Some(3), Some(2)]);
        assert_eq!((made.meta.grouped_by, made.meta.users), (Group::Session, true));
        for what in ["`search for destination`", "`search for item` without an item", "`clickout item` without an item"]
        {
            assert_eq!(made.notes[&format!("rows left out: {what}")], 1, "{what}");
        }
        assert_eq!(made.items.attributes[0].1.get(0), Some("Hotel|4 Star|Free WiFi (Combined)"));
    }

    #[test]
    fn an_unknown_action_is_a_bad_row() {
        let result = read("U1,s1,1541030400,1,clickout,70001,AT,Graz,mobile,,,\n", None);
        let Err(StageError::Data(error)) = result else { panic!("{result:?}") };
        let at = error.location.unwrap();
        assert_eq!((at.line, at.column), (2, 20));
    }
}
