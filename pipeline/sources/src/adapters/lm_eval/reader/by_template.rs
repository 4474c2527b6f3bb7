//! Lines that begin as those of a template.

use std::rc::Rc;

use super::{
    super::{
        record::{Record, Text},
        template::{Line, Template},
    },
    Reader, numbers, score,
};
use crate::{AdapterError, Place, adapters::json::Records};

impl Reader<'_> {
    /// Reads all lines if each begins as that of a template; false, and something may have been read, if
    /// one does not.
    pub(super) fn read_by_template(&mut self) -> Result<bool, AdapterError> {
        let mut records = Records::of(self.file)?;
        let Some((_, _, first)) = records.next()? else { return Ok(false) };
        let Some(template) = self.templates.find(self.plan, first) else { return Ok(false) };
        if !self.selects_as(&template, first) {
            return Ok(false);
        }
        let selection = (template.metric.clone(), template.filter.clone());
        self.state.selection = Some(Rc::new(selection));
        let mut records = Records::of(self.file)?;
        let mut rest = String::new();
        for (line, item) in template.lines.iter().zip(template.items.iter()) {
            let Ok(Some((number, place, text))) = records.next() else { return Ok(false) };
            let Some(own) = line.rest(text) else { return Ok(false) };
            rest.clear();
            rest.push('{');
            rest.push_str(own);
            let Ok(record) = serde_json::from_str(&rest) else { return Ok(false) };
            if !self.add_rest((number, place), &record, line, &item.item_uid) {
                return Ok(false);
            }
        }
        if !matches!(records.next(), Ok(None)) {
            return Ok(false);
        }
        let Template { items, aliases, prompts, alike, .. } = &*template;
        let shard = &mut self.state.shard;
        (shard.items, shard.aliases, shard.prompts) =
            (items.clone(), aliases.clone(), prompts.clone());
        self.state.alike = *alike;
        Ok(true)
    }

    /// Whether metric and filter are those of the template, told by the first line.
    fn selects_as(&self, template: &Template, first: &str) -> bool {
        let Ok(record) = serde_json::from_str::<Record<'_>>(first) else { return false };
        let label = record.filter.as_ref().map(|label| &*label.0);
        let metric = self.plan.metric(&record);
        let filter = metric.as_ref().map(|metric| self.plan.filter(metric, label));
        metric.as_ref() == Ok(&template.metric)
            && filter.is_ok_and(|filter| filter.as_ref() == Ok(&template.filter))
    }

    /// Adds the response of a line whose beginning is that of a template; false if anything besides is
    /// not as it was there.
    fn add_rest(
        &mut self,
        (number, place): (u64, Place),
        record: &Record<'_>,
        line: &Line,
        item_uid: &str,
    ) -> bool {
        let Some(selection) = self.state.selection.clone() else { return false };
        let (metric, filter) = &*selection;
        let same = |text: &Option<Text<'_>>, known: &Option<Box<str>>| {
            text.as_ref().map(|text| &*text.0) == known.as_deref()
        };
        let label = record.filter.as_ref().map(|label| &*label.0);
        if !record.is_rest()
            || label != Some(filter.name())
            || !same(&record.doc_hash, &line.doc_hash)
            || !same(&record.prompt_hash, &line.prompt_hash)
        {
            return false;
        }
        let Ok(score) = score(record, metric) else { return false };
        let own = self.plan.results.own_scoring;
        let log_likelihood = match &line.choices {
            Some(choices) => {
                let Some(scored) = choices.scored_by(record, line.scored) else { return false };
                let binary = !own && self.state.guard.check(place, &scored, numbers(record));
                if binary { scored.log_likelihood() } else { None }
            }
            None => None,
        };
        self.state.measured |= record.other(metric).is_some();
        self.state.count(0, score);
        self.push_response(number, item_uid, score, log_likelihood);
        true
    }
}
