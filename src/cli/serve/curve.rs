//! Learning curves as they grow, a small picture a number.

use std::collections::BTreeMap;

use serde_json::Value;

use super::html::Html;
use crate::report::small_curve;

/// The curves of epochs as the trainer told them: the loss, then each metric.
pub(super) fn curves(epochs: &[&Value]) -> Html {
    let mut numbers: BTreeMap<(bool, &str), Vec<(u32, f64)>> = BTreeMap::new();
    for event in epochs {
        let Some(epoch) = event["epoch"].as_u64().and_then(|epoch| u32::try_from(epoch).ok()) else { continue };
        if let Some(loss) = event["loss"].as_f64() {
            numbers.entry((false, "loss")).or_default().push((epoch, loss));
        }
        for (name, value) in event["metrics"].as_object().into_iter().flatten() {
            if let Some(value) = value.as_f64() {
                numbers.entry((true, name)).or_default().push((epoch, value));
            }
        }
    }
    if numbers.is_empty() {
        return Html::default();
    }
    let html = numbers.iter().fold(Html::default().raw("<div class=\"curves\">\n"), |html, ((_, name), points)| {
        let (epoch, value) = points.last().expect("made with a first point");
        let html = html.raw("<figure>").piece(&Html::picture(small_curve(name, points)));
        html.raw("<figcaption>").text(format!("{name} {value:.4} after epoch {epoch}")).raw("</figcaption></figure>\n")
    });
    html.raw("</div>\n")
}
