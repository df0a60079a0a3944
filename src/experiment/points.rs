//! A grid written out: every cell by name, value and seed, in the order in which the file names them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::grid::{Axes, AxisValue, BlockView, Grid};
use crate::document::{Part, Path, Step, keys};

/// More cells than this in one block are a slip, and would fill the memory before anybody is told.
const MOST_CELLS: usize = 1_000_000;

/// A cell of a grid, before its pipeline is filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// `demo/mkm-sr/seed=3`.
    pub name: String,
    /// Its value on each of its axes.
    pub values: Arc<BTreeMap<String, AxisValue>>,
    /// The same as text.
    pub coordinates: Arc<BTreeMap<String, String>>,
    /// Its seed.
    pub seed: u64,
    /// The groups that name it.
    pub groups: Vec<String>,
}

/// The cells of a grid, each once, and its axes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Points {
    /// The cells: the data set turns slowest, then the model, then the other axes by name, then the seed.
    pub points: Vec<Point>,
    /// The values that cells have on each axis, in the order in which they appear first.
    pub axes: BTreeMap<String, Vec<String>>,
}

/// Something wrong with a grid, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The place in the file.
    pub path: Path,
    /// Key or value of it.
    pub part: Part,
    /// What is wrong.
    pub message: String,
    /// What to do now.
    pub help: Option<String>,
    /// True for an exclusion that does nothing, which another choice of the grid's values may have brought about.
    pub idle: bool,
}

impl Points {
    /// Writes a grid out, and tells what is wrong with it. Data sets and models are not looked up here.
    pub fn of(grid: &Grid) -> (Self, Vec<Mistake>) {
        let mut writer = Writer::default();
        seeds(&grid.seeds, keys(["grid", "seeds"]), &mut writer.mistakes);
        let mut written = 0;
        for block in grid.blocks() {
            let has_cells = !(block.product.is_empty() && block.zip.is_empty() && block.include.is_empty());
            written += usize::from(has_cells);
            match block.group {
                Some(name) if !has_cells => {
                    let message = format!("group `{name}` has no cell");
                    writer.tell(block.path(&[]), Part::Key, message, Some("give it a `product`, `zip` or `include`"));
                }
                Some(_) | None => writer.block(&block),
            }
        }
        if written == 0 && grid.groups.is_empty() {
            let help = Some("give it a `product` with a `dataset` axis");
            writer.tell(keys(["grid"]), Part::Key, "the grid has no cell".into(), help);
        } else if writer.points.is_empty() && writer.mistakes.is_empty() {
            writer.tell(keys(["grid"]), Part::Key, "its exclusions leave the grid no cell".into(), None);
        }
        let axes = axes(&writer.points);
        (Self { points: writer.points, axes }, writer.mistakes)
    }
}

/// The axes of these cells with their values, in the order in which they appear first.
fn axes(points: &[Point]) -> BTreeMap<String, Vec<String>> {
    let mut axes: BTreeMap<&str, (Vec<String>, HashSet<&str>)> = BTreeMap::new();
    let mut last: Option<&Arc<BTreeMap<String, String>>> = None;
    for point in points {
        // The seeds of one combination stand side by side.
        if last.is_some_and(|last| Arc::ptr_eq(last, &point.coordinates)) {
            continue;
        }
        last = Some(&point.coordinates);
        for (axis, value) in point.coordinates.iter() {
            let (values, seen) = axes.entry(axis).or_default();
            if seen.insert(value) {
                values.push(value.clone());
            }
        }
    }
    axes.into_iter().map(|(axis, (values, _))| (axis.to_owned(), values)).collect()
}

#[derive(Default)]
struct Writer {
    points: Vec<Point>,
    /// The cell of a name, and the block that named it last.
    known: HashMap<String, (usize, usize)>,
    block: usize,
    /// True when a product of this block lists a value twice, which is told where it stands and not again.
    twins: bool,
    mistakes: Vec<Mistake>,
}

/// One wheel of the odometer that turns through a block: axes that change together, and in how many steps.
struct Wheel<'a> {
    axes: Vec<(&'a str, &'a [AxisValue])>,
    steps: usize,
}

impl Writer {
    fn tell(&mut self, path: Path, part: Part, message: String, help: Option<&str>) {
        self.mistakes.push(Mistake { path, part, message, help: help.map(str::to_owned), idle: false });
    }

    fn idle(&mut self, path: Path, part: Part, message: String, help: Option<&str>) {
        self.tell(path, part, message, help);
        self.mistakes.iter_mut().next_back().into_iter().for_each(|mistake| mistake.idle = true);
    }

    /// Adds the cells of a block: its combinations, then those written out.
    fn block(&mut self, block: &BlockView<'_>) {
        self.block += 1;
        self.twins = false;
        if block.group.is_some() {
            seeds(block.seeds, block.path(&["seeds".into()]), &mut self.mistakes);
        }
        self.check_axes(block);
        self.combinations(block);
        for (index, single) in block.include.iter().enumerate() {
            let path = block.path(&["include".into(), index.into()]);
            if single.values.contains_key("seed") {
                self.no_axis([path.clone(), vec!["seed".into()]].concat());
            }
            if let Some(own) = &single.seeds {
                seeds(own, [path.clone(), vec!["seeds".into()]].concat(), &mut self.mistakes);
            }
            self.add(single.values.clone(), single.seeds.as_deref().unwrap_or(block.seeds), block, || path);
        }
    }

    fn no_axis(&mut self, path: Path) {
        self.tell(path, Part::Key, "seeds are no axis".into(), Some("write `seeds: [1, 2, 3]`"));
    }

    fn check_axes(&mut self, block: &BlockView<'_>) {
        let first = block.zip.iter().next();
        for (part, axes) in [("product", block.product), ("zip", block.zip)] {
            for (axis, values) in axes {
                let path = block.path(&[part.into(), axis.as_str().into()]);
                if ["seed", "seeds"].contains(&axis.as_str()) {
                    self.no_axis(path.clone());
                }
                if values.is_empty() {
                    self.tell(path.clone(), Part::Key, format!("axis `{axis}` has no value"), None);
                }
                if part == "product" {
                    self.check_values(axis, values, &path);
                    continue;
                }
                if block.product.contains_key(axis) {
                    let message = format!("axis `{axis}` stands in `product` and in `zip`");
                    self.tell(
                        path.clone(),
                        Part::Key,
                        message,
                        Some("an axis turns by itself or together with others"),
                    );
                }
                if let Some((other, longest)) = first.filter(|(_, first)| first.len() != values.len()) {
                    let (here, there) = (values.len(), longest.len());
                    let message =
                        format!("axes of a zip have as many values each: `{axis}` has {here} and `{other}` {there}");
                    self.tell(path, Part::Key, message, Some("they turn together, the first with the first"));
                }
            }
        }
    }

    /// Values of an axis of a product that are, or look, the same.
    fn check_values(&mut self, axis: &str, values: &[AxisValue], path: &[Step]) {
        let mut seen: HashMap<String, &AxisValue> = HashMap::new();
        for (index, value) in values.iter().enumerate() {
            let text = value.to_string();
            let message = match seen.get(&text) {
                None => {
                    seen.insert(text, value);
                    continue;
                }
                Some(before) if *before == value => format!("axis `{axis}` names `{text}` twice"),
                Some(_) => format!(
                    "axis `{axis}` has two different values that read `{text}`: their cells would have the same name"
                ),
            };
            self.twins = true;
            self.tell([path, &[index.into()]].concat(), Part::Value, message, None);
        }
    }

    fn combinations(&mut self, block: &BlockView<'_>) {
        let wheels = wheels(block);
        if wheels.is_empty() {
            return;
        }
        let mut idle = self.check_exclusions(block);
        let size = wheels.iter().try_fold(block.seeds.len().max(1), |size, wheel| size.checked_mul(wheel.steps));
        if size.is_none_or(|size| size > MOST_CELLS) {
            let message = format!("this makes more than {MOST_CELLS} cells");
            self.tell(block.path(&["product".into()]), Part::Key, message, Some("combine fewer axes"));
            return;
        }
        let count = wheels.iter().map(|wheel| wheel.steps).product::<usize>();
        for number in 0..count {
            let (mut rest, mut turned) = (number, Vec::with_capacity(wheels.len()));
            for wheel in wheels.iter().rev() {
                turned.push((wheel, rest % wheel.steps));
                rest /= wheel.steps;
            }
            let values: BTreeMap<String, AxisValue> = turned
                .iter()
                .flat_map(|(wheel, step)| {
                    wheel.axes.iter().map(|(axis, values)| ((*axis).to_owned(), values[*step].clone()))
                })
                .collect();
            let out =
                |out: &BTreeMap<String, AxisValue>| out.iter().all(|(axis, value)| values.get(axis) == Some(value));
            let mut left_out = false;
            for (index, exclusion) in block.exclude.iter().enumerate() {
                if out(exclusion) {
                    idle[index] = false;
                    left_out = true;
                }
            }
            if left_out {
                continue;
            }
            self.add(values, block.seeds, block, || {
                // Of the axes only those of a zip can name a combination twice without a value that is written twice.
                let zipped = turned.iter().find(|(wheel, _)| block.zip.contains_key(wheel.axes[0].0));
                match zipped {
                    Some((wheel, step)) => block.path(&["zip".into(), wheel.axes[0].0.into(), (*step).into()]),
                    None => block.path(&["product".into()]),
                }
            });
        }
        for (index, _) in idle.iter().enumerate().filter(|(_, idle)| **idle) {
            let path = block.path(&["exclude".into(), index.into()]);
            let message = "this excludes nothing: no combination has all of these values".to_owned();
            self.idle(path, Part::Value, message, None);
        }
    }

    /// Tells of axes and values that the combinations lack; gives which exclusions must still be seen to do something.
    fn check_exclusions(&mut self, block: &BlockView<'_>) -> Vec<bool> {
        let mut open = Vec::with_capacity(block.exclude.len());
        for (index, exclusion) in block.exclude.iter().enumerate() {
            let told = self.mistakes.len();
            let path = block.path(&["exclude".into(), index.into()]);
            if exclusion.is_empty() {
                self.tell(path.clone(), Part::Value, "an exclusion without an axis leaves no combination".into(), None);
            }
            for (axis, value) in exclusion {
                let path = [path.clone(), vec![axis.as_str().into()]].concat();
                match block.product.get(axis).or_else(|| block.zip.get(axis)) {
                    None => {
                        let known: Vec<&str> =
                            block.product.keys().chain(block.zip.keys()).map(String::as_str).collect();
                        let help = crate::diagnostic::suggestion(axis, &known);
                        self.idle(path, Part::Key, format!("unknown axis `{axis}`"), Some(&help));
                    }
                    Some(values) if !values.contains(value) => {
                        self.idle(path, Part::Value, format!("axis `{axis}` has no value `{value}`"), None);
                    }
                    Some(_) => {}
                }
            }
            open.push(self.mistakes.len() == told);
        }
        open
    }

    /// Adds a cell for each seed; `origin` is where it is named.
    fn add(
        &mut self,
        values: BTreeMap<String, AxisValue>,
        seeds: &[u64],
        block: &BlockView<'_>,
        origin: impl FnOnce() -> Path,
    ) {
        let coordinates = Arc::new(values.iter().map(|(axis, value)| (axis.clone(), value.to_string())).collect());
        let values = Arc::new(values);
        let whole = cell_name(&coordinates, None, |_| true);
        let mut told = None;
        for seed in seeds {
            let name = format!("{whole}/seed={seed}");
            if let Some((at, named_in)) = self.known.get_mut(&name) {
                let point = &mut self.points[*at];
                if point.values != values {
                    told.get_or_insert(format!("two different cells have the name `{name}`"));
                } else if *named_in == self.block {
                    told.get_or_insert(format!("cell `{name}` is named twice"));
                } else {
                    *named_in = self.block;
                    point.groups.extend(block.group.map(str::to_owned));
                }
                continue;
            }
            self.known.insert(name.clone(), (self.points.len(), self.block));
            self.points.push(Point {
                name,
                values: Arc::clone(&values),
                coordinates: Arc::clone(&coordinates),
                seed: *seed,
                groups: block.group.into_iter().map(str::to_owned).collect(),
            });
        }
        if let Some(message) = told.filter(|_| !self.twins) {
            self.tell(origin(), Part::Value, message, None);
        }
    }
}

/// The wheels of a block, the slowest first: the data set, the model, the others by name.
fn wheels<'a>(block: &BlockView<'a>) -> Vec<Wheel<'a>> {
    fn entries(axes: &Axes) -> impl Iterator<Item = (&str, &[AxisValue])> {
        axes.iter().map(|(axis, values)| (axis.as_str(), values.as_slice()))
    }
    let mut wheels: Vec<Wheel<'_>> =
        entries(block.product).map(|axis| Wheel { steps: axis.1.len(), axes: vec![axis] }).collect();
    let mut zipped: Vec<(&str, &[AxisValue])> = entries(block.zip).collect();
    zipped.sort_by_key(|(axis, _)| speed(axis));
    // Lengths that differ have been told of.
    if let Some(steps) = zipped.iter().map(|(_, values)| values.len()).min() {
        wheels.push(Wheel { axes: zipped, steps });
    }
    wheels.sort_by_key(|wheel| wheel.axes.first().map(|(axis, _)| speed(axis)));
    wheels
}

fn speed(axis: &str) -> (u8, String) {
    match axis {
        "dataset" => (0, String::new()),
        "model" => (1, String::new()),
        other => (2, other.to_owned()),
    }
}

/// A list of seeds that is empty, or names one twice.
fn seeds(seeds: &[u64], path: Path, mistakes: &mut Vec<Mistake>) {
    if seeds.is_empty() {
        mistakes.push(Mistake {
            path: path.clone(),
            part: Part::Key,
            message: "there is no seed".into(),
            help: None,
            idle: false,
        });
    }
    let mut seen = HashSet::new();
    for (index, seed) in seeds.iter().enumerate().filter(|(_, seed)| !seen.insert(**seed)) {
        let (path, message) = ([path.clone(), vec![index.into()]].concat(), format!("seed {seed} is written twice"));
        mistakes.push(Mistake { path, part: Part::Value, message, help: None, idle: false });
    }
}

/// `demo/mkm-sr/seed=3`: data set and model bare, further axes and the seed with their names.
pub(super) fn cell_name(
    coordinates: &BTreeMap<String, String>,
    seed: Option<u64>,
    uses: impl Fn(&str) -> bool,
) -> String {
    let mut name = String::new();
    let mut part = |axis: &str, value: &str| {
        if !name.is_empty() {
            name.push('/');
        }
        name.push_str(axis);
        name.push_str(value);
    };
    for axis in ["dataset", "model"].into_iter().filter(|axis| uses(axis)) {
        coordinates.get(axis).into_iter().for_each(|value| part("", value));
    }
    for (axis, value) in coordinates {
        if !["dataset", "model"].contains(&axis.as_str()) && uses(axis) {
            part(&format!("{axis}="), value);
        }
    }
    if let Some(seed) = seed {
        part("seed=", &seed.to_string());
    }
    name
}
