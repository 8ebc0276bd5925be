//! Whether figures are good enough: below their bound, and not worse than they were.

use super::anchors::Anchors;
use super::figures::Figures;

/// How much worse than the baseline a median may be, in percent.
const TOLERANCE_PERCENT: u64 = 2;

/// A sentence for every row above its bound and for every anchor without a row.
pub fn against_anchors(anchors: &Anchors, figures: &Figures) -> Vec<String> {
    anchors
        .iter()
        .filter_map(|(id, anchor)| match figures.get(id) {
            None => Some(format!("`{id}` was not measured")),
            Some(figure) if figure.unit != anchor.unit => {
                Some(format!("`{id}` is in {}, its bound in {}", figure.unit, anchor.unit))
            }
            Some(figure) if figure.med > anchor.must => {
                Some(format!("`{id}` takes {}, it must take at most {}", figure.med, anchor.must))
            }
            Some(_) => None,
        })
        .collect()
}

/// A sentence for every row that got worse or disappeared.
pub fn against_baseline(baseline: &Figures, figures: &Figures) -> Vec<String> {
    baseline
        .iter()
        .filter_map(|(id, before)| match figures.get(id) {
            None => Some(format!("`{id}` is in the baseline and was not measured")),
            Some(now) if now.med * 100 > before.med * (100 + TOLERANCE_PERCENT) => {
                Some(format!("`{id}` takes {}, it took {}: a regression", now.med, before.med))
            }
            Some(_) => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::figures::Figure;
    use super::*;

    fn one(value: u64) -> Figures {
        let mut figures = Figures::default();
        figures.insert("null_call", Figure::exact(value, "instr"));
        figures
    }

    #[test]
    fn a_row_at_its_bound_passes_and_one_above_fails() {
        let anchors = Anchors::parse("[null_call]\nname='n'\nunit='instr'\nmust=80\nwant=40").unwrap();
        assert!(against_anchors(&anchors, &one(80)).is_empty());
        assert_eq!(against_anchors(&anchors, &one(81)), ["`null_call` takes 81, it must take at most 80"]);
        assert_eq!(against_anchors(&anchors, &Figures::default()), ["`null_call` was not measured"]);
    }

    #[test]
    fn a_regression_above_two_percent_fails_and_below_passes() {
        assert!(against_baseline(&one(100), &one(102)).is_empty());
        assert_eq!(against_baseline(&one(100), &one(103)).len(), 1);
        assert!(against_baseline(&one(100), &one(50)).is_empty());
        assert_eq!(against_baseline(&one(0), &one(1)).len(), 1);
    }
}
