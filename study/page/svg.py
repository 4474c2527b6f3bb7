"""Charts as SVG text: panels side by side, one legend below. The same data give the same bytes."""

import math
from dataclasses import dataclass, field
from html import escape

COLOURS = ["#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#8c564b", "#e377c2", "#17becf", "#7f7f7f", "#bcbd22", "#000000"]
WIDTH, HEIGHT = 430, 330
LEFT, RIGHT, TOP, BOTTOM = 56, 24, 30, 46


@dataclass
class Series:
    """Points (x, y) under one name; a line through them where `line`."""

    name: str
    points: list[tuple[float, float]]
    line: bool = False
    dashed: bool = False
    marked: bool = True
    # Number of the colour and shape; by the order of the legend unless given.
    style: int | None = None


@dataclass
class Panel:
    title: str
    x: str
    y: str
    series: list[Series]
    logarithmic: bool = False
    # Labels of x positions 0, 1, 2, ... instead of numbers.
    categories: list[str] = field(default_factory=list)


def steps(low: float, high: float) -> list[float]:
    """About five round numbers that enclose the range."""
    raw = (high - low) / 5 or 1.0
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(step * at, 10) for at in range(first, last + 1)]


def decades(low: float, high: float) -> list[float]:
    return [10.0**at for at in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]


class Scale:
    def __init__(self, ticks: list[float], start: float, end: float, logarithmic: bool):
        self.of = math.log10 if logarithmic else float
        self.low, self.high = self.of(ticks[0]), self.of(ticks[-1])
        self.start, self.end = start, end

    def __call__(self, value: float) -> float:
        share = (self.of(value) - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)


def text(x: float, y: float, words: str, anchor: str = "middle", more: str = "") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}"{more}>{escape(words)}</text>'


def marker(shape: int, x: float, y: float, colour: str) -> str:
    x, y = round(x, 1), round(y, 1)
    style = f'fill="{colour}" fill-opacity="0.75"'
    match shape % 3:
        case 0:
            return f'<circle cx="{x}" cy="{y}" r="4" {style}/>'
        case 1:
            return f'<rect x="{round(x - 3.5, 1)}" y="{round(y - 3.5, 1)}" width="7" height="7" {style}/>'
        case _:
            return f'<path d="M{x} {round(y - 4.5, 1)}l4.5 8h-9z" {style}/>'


def colour_of(series: Series, index: int) -> str:
    return COLOURS[(index if series.style is None else series.style) % len(COLOURS)]


def path(series: Series, places: list[tuple[float, float]], colour: str) -> list[str]:
    if not series.line or not places:
        return []
    dash = ' stroke-dasharray="6 4"' if series.dashed else ""
    corners = " ".join(f"{a},{b}" for a, b in places)
    return [f'<polyline points="{corners}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>']


def drawn(series: Series, index: int, places: list[tuple[float, float]]) -> list[str]:
    """The same in a panel and, with places of its own, in the legend."""
    style, colour = index if series.style is None else series.style, colour_of(series, index)
    marks = [marker(style, a, b, colour) for a, b in places] if series.marked else []
    return path(series, places, colour) + marks


def panel(chart: Panel, left: float, names: list[str]) -> list[str]:
    points = [point for series in chart.series for point in series.points]
    xs, ys = [a for a, _ in points], [b for _, b in points]
    if chart.categories:
        x_ticks = [float(at) for at in range(len(chart.categories))]
    else:
        x_ticks = (decades if chart.logarithmic else steps)(min(xs), max(xs))
    y_ticks = steps(min(ys), max(ys))
    right, bottom = left + WIDTH - RIGHT, HEIGHT - BOTTOM
    x = Scale(x_ticks, left + LEFT, right, chart.logarithmic)
    y = Scale(y_ticks, bottom, TOP, False)
    parts = [text(left + LEFT, TOP - 12, chart.title, "start", ' font-weight="bold"')]
    for tick in y_ticks:
        parts.append(f'<line x1="{left + LEFT}" x2="{right}" y1="{y(tick)}" y2="{y(tick)}" stroke="#ddd"/>')
        parts.append(text(left + LEFT - 6, y(tick) + 4, f"{tick:g}", "end"))
    for at, tick in enumerate(x_ticks):
        label = chart.categories[at] if chart.categories else f"{tick:g}"
        parts.append(f'<line x1="{x(tick)}" x2="{x(tick)}" y1="{bottom}" y2="{bottom + 4}" stroke="#333"/>')
        parts.append(text(x(tick), bottom + 17, label))
    middle = (left + LEFT + right) / 2
    parts.append(text(middle, HEIGHT - 8, chart.x))
    turned = f' transform="rotate(-90 {left + 14} {(TOP + bottom) / 2})"'
    parts.append(text(left + 14, (TOP + bottom) / 2, chart.y, more=turned))
    for series in chart.series:
        places = [(x(a), y(b)) for a, b in series.points]
        parts += drawn(series, names.index(series.name), places)
    return parts


def figure(panels: list[Panel]) -> str:
    """The panels in a row; a series has one colour and shape in all of them."""
    legend = {series.name: series for chart in reversed(panels) for series in chart.series}
    names = list(dict.fromkeys(series.name for chart in panels for series in chart.series))
    columns = 2 * len(panels)
    width, rows = WIDTH * len(panels), math.ceil(len(names) / columns)
    height = HEIGHT + 14 + 20 * rows
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'font-family="sans-serif" font-size="12" fill="#222">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    for at, chart in enumerate(panels):
        parts += panel(chart, at * WIDTH, names)
    for at, name in enumerate(names):
        x, y = 30 + (at % columns) * (width - 30) // columns, HEIGHT + 16 + 20 * (at // columns)
        series = legend[name]
        places = [(x - 10, y - 4), (x + 10, y - 4)] if series.line else []
        parts += path(series, places, colour_of(series, at)) + drawn(series, at, [(x, y - 4)])
        parts.append(text(x + 16, y, name, "start"))
    return "\n".join([*parts, "</svg>", ""])
