"""Templates of the card, and the words and numbers that they use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache, partial
from pathlib import Path

import jinja2
from markupsafe import Markup

from dgdo_geo.model import FeatureRef, LayerStatus
from dgdo_geo.report.written import article, templates
from dgdo_geo.texts import number_nl, text
from dgdo_geo.web import formats

MANY_FEATURES = 6
"""More features than this are folded away."""


def render(name: str, **context: object) -> str:
    """Fill one template; all that goes in is escaped, unless it is Markup."""
    return _templates().get_template(name).render(**context)


def counted(what: str, count: int) -> str:
    """A number of rules, layers and so on in words."""
    return text("web_card", f"one_{what}" if count == 1 else f"some_{what}", count=count)


def feature_names(features: Iterable[FeatureRef], most: int = 3) -> str:
    """Names of the first features, and how many more there are."""
    names = list(dict.fromkeys(feature.name for feature in features))
    if len(names) <= most:
        return ", ".join(names)
    return text("web_card", "and_more", names=", ".join(names[:most]), count=len(names) - most)


def with_bold(template: str, values: Mapping[str, str]) -> Markup:
    """A text of ours in which ``**...**`` marks what is bold; the values are escaped."""
    before, word, after = template.split("**")
    return Markup("{}<strong>{}</strong>{}").format(
        before.format(**values), word.format(**values), after.format(**values)
    )


@cache
def _templates() -> jinja2.Environment:
    environment = templates(Path(__file__).with_name("templates"))
    environment.filters.update(
        area=formats.area,
        percent=formats.percent,
        article=partial(article, short=True),
        first_capital=formats.first_capital,
        lower_first=formats.lower_first,
        interval=formats.interval,
        depth_range=formats.depth_range,
        km=formats.km,
        metres=formats.metres,
    )
    environment.globals.update(
        t=lambda key, **values: text("web_card", key, **values),
        w=text,
        o=lambda key, **values: text("web_out", key, **values),
        h=lambda key, **values: text("web_here", key, **values),
        g=lambda key, **values: text("web_area", key, **values),
        r=lambda key, **values: text("web_rules", key, **values),
        u=lambda key, **values: text("web_explained", key, **values),
        number=number_nl,
        s=lambda key, **values: text("web_layers", key, **values),
        l=lambda key, **values: text("own_layer", key, **values),
        many=MANY_FEATURES,
        available=LayerStatus.AVAILABLE,
        count=counted,
        feature_names=feature_names,
    )
    return environment
