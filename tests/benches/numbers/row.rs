//! One row of the table: what was measured, beside what, the figure, its budget, and whether it is kept.

use std::fmt;

use crate::measure::{Times, duration};

/// A measured figure.
#[derive(Debug)]
pub(crate) struct Row {
    what: String,
    ours: String,
    baseline: String,
    figure: String,
    budget: Option<Budget>,
    runs: usize,
    /// Least, median and most, for the person who watches.
    spread: Vec<String>,
}

#[derive(Debug)]
struct Budget {
    text: String,
    kept: bool,
}

impl Row {
    /// The head of the table.
    pub(crate) const HEAD: &str =
        "| what | ours | baseline | figure | budget | | runs |\n|---|---|---|---|---|---|---|\n";

    /// How many times the baseline's median ours is.
    pub(crate) fn ratio(what: &str, ours: &Times, baseline: (&str, &Times), at_most: f64) -> Self {
        let ratio = ours.ratio_to(baseline.1);
        Self::compared(
            what,
            ours,
            baseline,
            format!("{ratio:.2} ×"),
            format!("{at_most} ×"),
            ratio <= at_most,
        )
    }

    /// By how many milliseconds ours is longer.
    pub(crate) fn overhead(what: &str, ours: &Times, baseline: (&str, &Times), at_most_ms: f64) -> Self {
        let ms = ours.overhead_over(baseline.1) * 1e3;
        Self::compared(
            what,
            ours,
            baseline,
            format!("{ms:+.2} ms"),
            format!("{at_most_ms} ms"),
            ms <= at_most_ms,
        )
    }

    /// By how many percent of the baseline ours is longer.
    pub(crate) fn overhead_percent(what: &str, ours: &Times, baseline: (&str, &Times), at_most: f64) -> Self {
        let percent = ours.overhead_over(baseline.1) / baseline.1.median().as_secs_f64() * 100.0;
        Self::compared(
            what,
            ours,
            baseline,
            format!("{percent:+.1} %"),
            format!("{at_most} %"),
            percent <= at_most,
        )
    }

    fn compared(
        what: &str,
        ours: &Times,
        (name, baseline): (&str, &Times),
        figure: String,
        budget: String,
        kept: bool,
    ) -> Self {
        Self {
            what: what.to_owned(),
            ours: duration(ours.median()),
            baseline: format!("{} ({name})", duration(baseline.median())),
            figure,
            budget: Some(Budget { text: format!("≤ {budget}"), kept }),
            runs: ours.count(),
            spread: vec![format!("ours {ours}"), format!("{name} {baseline}")],
        }
    }

    /// The same comparison, printed without a budget.
    pub(crate) fn unlimited(mut self) -> Self {
        self.budget = None;
        self
    }

    /// A figure that has no baseline.
    pub(crate) fn alone(what: &str, figure: String, runs: usize) -> Self {
        let none = String::new;
        Self {
            what: what.to_owned(),
            ours: none(),
            baseline: none(),
            figure,
            budget: None,
            runs,
            spread: Vec::new(),
        }
    }

    /// How times are spread: half of them, 99 of 100, the worst.
    pub(crate) fn spread(what: &str, times: &Times) -> Self {
        let [half, most, worst] = [0.5, 0.99, 1.0].map(|share| duration(times.at(share)));
        let figure = format!("p50 {half}, p99 {most}, worst {worst}");
        Self::alone(what, figure, times.count())
    }

    /// A figure beside the text of a baseline.
    pub(crate) fn beside(mut self, ours: String, baseline: String) -> Self {
        (self.ours, self.baseline) = (ours, baseline);
        self
    }

    /// The same with a budget that is kept or not.
    pub(crate) fn within(mut self, text: &str, kept: bool) -> Self {
        self.budget = Some(Budget { text: text.to_owned(), kept });
        self
    }

    fn verdict(&self) -> (&str, &str) {
        match &self.budget {
            None => ("", ""),
            Some(budget) if budget.kept => (&budget.text, "within"),
            Some(budget) => (&budget.text, "OVER"),
        }
    }

    /// A line of the Markdown table.
    pub(crate) fn markdown(&self) -> String {
        let (budget, word) = self.verdict();
        let Self { what, ours, baseline, figure, runs, .. } = self;
        format!("| {what} | {ours} | {baseline} | {figure} | {budget} | {word} | {runs} |\n")
    }
}

impl fmt::Display for Row {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (budget, word) = self.verdict();
        write!(out, "  {}: {}", self.what, self.figure)?;
        if !budget.is_empty() {
            write!(out, " (budget {budget}: {word})")?;
        }
        write!(out, ", {} runs", self.runs)?;
        if self.spread.is_empty() && !self.ours.is_empty() {
            write!(out, "\n      ours {}; beside {}", self.ours, self.baseline)?;
        }
        for line in &self.spread {
            write!(out, "\n      min / median / max: {line}")?;
        }
        Ok(())
    }
}
