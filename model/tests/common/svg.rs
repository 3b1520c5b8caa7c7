//! What can be read in a drawing: its texts, and whether one meets another.

/// A text of a drawing, and the box that it fills at most.
#[derive(Debug)]
pub(crate) struct Text {
    pub(crate) class: String,
    pub(crate) text: String,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl Text {
    fn meets(&self, other: &Text) -> bool {
        let apart = self.right <= other.left
            || other.right <= self.left
            || self.bottom <= other.top
            || other.bottom <= self.top;
        !apart
    }
}

fn attribute<'s>(element: &'s str, name: &str) -> &'s str {
    let start = element.find(&format!(" {name}=\"")).expect(name) + name.len() + 3;
    element[start..].split('"').next().expect("a quote")
}

/// The texts, read from the SVG itself. A character of a monospaced font takes 0.61 of its size, one
/// that the font may not have the whole; it reaches 0.8 above its line and 0.25 below.
fn texts(svg: &str) -> Vec<Text> {
    let elements =
        svg.split("<text ").skip(1).map(|rest| rest.split("</text>").next().expect("one"));
    let all = elements.map(|element| {
        let (tag, text) = element.split_once('>').expect("a tag");
        let tag = format!(" {tag}");
        let number = |name| attribute(&tag, name).parse::<f64>().expect("a number");
        let (x, y, size) = (number("x"), number("y"), number("font-size"));
        let text = ["&lt; <", "&gt; >", "&quot; \"", "&amp; &"].iter().fold(
            text.to_owned(),
            |text, pair| {
                let (from, to) = pair.split_once(' ').expect("two");
                text.replace(from, to)
            },
        );
        let width: f64 = text.chars().map(|c| if c.is_ascii() { 0.61 * size } else { size }).sum();
        let left = match attribute(&tag, "text-anchor") {
            "start" => x,
            "middle" => x - width / 2.0,
            _ => x - width,
        };
        let class = attribute(&tag, "class").to_owned();
        Text {
            class,
            text,
            left,
            right: left + width,
            top: y - 0.8 * size,
            bottom: y + 0.25 * size,
        }
    });
    all.collect()
}

/// The texts of a drawing, none of which meets another or the edge.
#[track_caller]
pub(crate) fn looked_at(svg: &str) -> Vec<Text> {
    let texts = texts(svg);
    let tag = svg.split('>').next().expect("a tag");
    let size = |name| attribute(tag, name).parse().expect("a number");
    let (width, height): (f64, f64) = (size("width"), size("height"));
    for (index, text) in texts.iter().enumerate() {
        let inside =
            text.left >= 0.0 && text.right <= width && text.top >= 0.0 && text.bottom <= height;
        assert!(inside, "{text:?} is not within {width} x {height}:\n{svg}");
        for other in &texts[..index] {
            assert!(!text.meets(other), "{text:?} meets {other:?}:\n{svg}");
        }
    }
    assert_eq!(svg.matches('<').count(), svg.matches('>').count());
    texts
}
