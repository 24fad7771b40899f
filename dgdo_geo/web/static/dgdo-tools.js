/* The furniture of the map: zoom, scale, measuring, opacity and order of layers, printing, keyboard. Needs dgdo-map.js. */
(function () {
  "use strict";
  var dgdo = window.dgdo;

  /* Name of the map, Dutch controls, keyboard, and no prefix but Leaflet's name. */
  dgdo.dress = function (map, words) {
    var box = map.getContainer();
    var now = dgdo.state(map);
    now.words = words;
    L.control.zoom({ zoomInTitle: words.zoom_in, zoomOutTitle: words.zoom_out }).addTo(map);
    L.control.scale({ imperial: false }).addTo(map);
    sources(map, words);
    box.setAttribute("role", "region");
    box.setAttribute("aria-label", words.label);
    document.documentElement.lang = "nl";
    /* folium forbids zooming the page on a phone. */
    document.querySelectorAll("meta[name=viewport]").forEach(function (meta) {
      meta.setAttribute("content", "width=device-width, initial-scale=1");
    });
    toolbar(map, words);
    keyboard(map);
  };

  /* Who made the layers: folded away, so that it does not hide the map; on paper it is always there. */
  function sources(map, words) {
    var control = map.attributionControl, box = control.getContainer();
    box.textContent = "";
    var credits = L.DomUtil.create("div", "dgdo-credits", box);
    credits.id = "dgdo-credits";
    var opener = L.DomUtil.create("button", "dgdo-sources", box);
    opener.type = "button";
    opener.textContent = words.sources;
    opener.setAttribute("aria-expanded", "false");
    opener.setAttribute("aria-controls", credits.id);
    L.DomEvent.disableClickPropagation(box);
    opener.onclick = function () {
      opener.setAttribute("aria-expanded", String(box.classList.toggle("dgdo-open")));
    };
    control._container = credits;
    control.setPrefix("Leaflet");
    /* Leaflet removes what it holds; that is the whole box. */
    control.getContainer = function () { return box; };
  }

  function button(parent, name, words, path) {
    var made = L.DomUtil.create("button", "dgdo-tool dgdo-tool-" + name, parent);
    made.type = "button";
    made.title = words;
    made.setAttribute("aria-label", words);
    made.innerHTML = '<svg width="18" height="18" viewBox="0 0 18 18" aria-hidden="true" fill="none" ' +
      'stroke="currentColor" stroke-width="1.6"><path d="' + path + '"/></svg>';
    return made;
  }

  function toolbar(map, words) {
    var control = L.control({ position: "topleft" });
    control.onAdd = function () {
      var bar = L.DomUtil.create("div", "leaflet-bar dgdo-tools");
      L.DomEvent.disableClickPropagation(bar);
      L.DomEvent.disableScrollPropagation(bar);
      var now = dgdo.state(map);
      measuring(map, words, button(bar, "measure", words.measure, "M2 12 12 2l4 4L6 16zM5 9l2 2M8 6l2 2M11 3l2 2"));
      if (words.is_drawable) drawing(map, words, button(bar, "draw", words.draw, "M3 14 5 4l9-1 2 8-6 5zM3 14l7 2"));
      now.opener = button(bar, "layers", words.layers, "M9 2 2 6l7 4 7-4zM2 9.5l7 4 7-4M2 13l7 4 7-4");
      var print = button(bar, "print", words.print, "M5 7V2h8v5M5 13H2V7h14v6h-3M5 11h8v5H5z");
      print.onclick = function () { (window.parent || window).print(); };
      layers(map, words, now.opener);
      return bar;
    };
    control.addTo(map);
  }

  /* A panel beside the buttons; Escape closes it and goes back to its button. */
  function panel(map, opener, name, label) {
    var box = L.DomUtil.create("div", "dgdo-panel dgdo-panel-" + name, map.getContainer());
    L.DomEvent.disableClickPropagation(box);
    L.DomEvent.disableScrollPropagation(box);
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", label);
    box.hidden = true;
    opener.setAttribute("aria-expanded", "false");
    var made = { box: box };
    made.show = function (isShown) {
      if (isShown) map.getContainer().querySelectorAll(".dgdo-panel").forEach(function (other) {
        if (other !== box && !other.hidden && other._hide) other._hide();
      });
      box.hidden = !isShown;
      opener.setAttribute("aria-expanded", String(isShown));
      if (made.changed) made.changed(isShown);
    };
    box._hide = function () { made.show(false); };
    opener.onclick = function () { made.show(box.hidden); };
    box.addEventListener("keydown", function (event) {
      if (event.key === "Escape") { made.show(false); opener.focus(); }
      event.stopPropagation();
    });
    return made;
  }

  /* Opacity and order ---------------------------------------------------------------------- */

  function kept(id, value) {
    try {
      if (value === undefined) return window.sessionStorage.getItem("dgdo-" + id);
      window.sessionStorage.setItem("dgdo-" + id, value);
    } catch (blocked) { /* Without storage the choice lasts as long as the map. */ }
    return null;
  }

  /* A layer came or went; layers of which the reader sets opacity and order are listed in the panel. */
  dgdo.listed = function (map, layer, isThere) {
    var now = dgdo.state(map);
    now.layers = (now.layers || []).filter(function (one) { return one !== layer; });
    if (isThere) now.layers.push(layer);
    order(map);
    if (now.drawLayers) now.drawLayers();
  };

  function order(map) {
    var now = dgdo.state(map);
    var wanted = (kept("order") || "").split(",");
    now.layers.forEach(function (layer) {
      var about = layer._own.panel, pane = map.getPane(layer._own.pane);
      if (!pane) return;
      pane.style.opacity = kept("opacity-" + about.id) || "1";
      if (!about.is_movable) return;
      var place = wanted.indexOf(about.id);
      layer._place = place < 0 ? wanted.length + 440 - layer._own.above : place;
      pane.style.zIndex = 440 - Math.min(19, Math.max(0, Math.round(layer._place)));
    });
  }

  function layers(map, words, opener) {
    var now = dgdo.state(map);
    var made = panel(map, opener, "layers", words.layers);
    now.drawLayers = function () {
      var listed = (now.layers || []).slice().sort(function (a, b) {
        return (a._own.panel.is_movable ? 0 : 1) - (b._own.panel.is_movable ? 0 : 1) || a._place - b._place;
      });
      opener.hidden = !listed.length;
      made.box.textContent = "";
      L.DomUtil.create("strong", "", made.box).textContent = words.layers;
      listed.forEach(function (layer) { row(layer, listed); });
      if (!listed.length) made.show(false);
    };
    function row(layer, listed) {
      var about = layer._own.panel;
      var line = L.DomUtil.create("div", "dgdo-layer", made.box);
      if (about.sample) L.DomUtil.create("span", "dgdo-sample", line).innerHTML = about.sample;
      var label = L.DomUtil.create("label", "", line);
      L.DomUtil.create("span", "", label).textContent = about.label;
      var slider = L.DomUtil.create("input", "", label);
      slider.type = "range";
      slider.min = 10; slider.max = 100; slider.step = 10;
      slider.value = Math.round(100 * Number(kept("opacity-" + about.id) || 1));
      slider.setAttribute("aria-label", words.opacity.replace("{name}", about.label));
      function say() { slider.setAttribute("aria-valuetext", slider.value + " %"); }
      say();
      slider.oninput = function () { kept("opacity-" + about.id, String(slider.value / 100)); say(); order(map); };
      if (!about.is_movable) return;
      var movable = listed.filter(function (one) { return one._own.panel.is_movable; });
      var at = movable.indexOf(layer);
      [[-1, words.up, "M9 14V4M4 9l5-5 5 5"], [1, words.down, "M9 4v10M4 9l5 5 5-5"]].forEach(function (way) {
        var mover = button(line, way[0] < 0 ? "up" : "down", way[1].replace("{name}", about.label), way[2]);
        mover.disabled = !movable[at + way[0]];
        mover.onclick = function () {
          var ids = movable.map(function (one) { return one._own.panel.id; });
          ids.splice(at + way[0], 0, ids.splice(at, 1)[0]);
          kept("order", ids.join(","));
          order(map);
          now.drawLayers();
        };
      });
    }
    now.drawLayers();
  }

  /* Measuring ------------------------------------------------------------------------------ */

  /* Longitude and latitude to RD (EPSG:28992) in metres, within half a metre: Schreutelkamp and Strang van Hees,
     "Benaderingsformules voor de transformatie tussen RD- en WGS84-kaartcoordinaten", Geodesia 2001. */
  dgdo.rd = function (longitude, latitude) {
    var f = 0.36 * (latitude - 52.15517440), l = 0.36 * (longitude - 5.38720621);
    var X = [[0, 1, 190094.945], [1, 1, -11832.228], [2, 1, -114.221], [0, 3, -32.391], [1, 0, -0.705],
      [3, 1, -2.340], [1, 3, -0.608], [0, 2, -0.008], [2, 3, 0.148]];
    var Y = [[1, 0, 309056.544], [0, 2, 3638.893], [2, 0, 73.077], [1, 2, -157.984], [3, 0, 59.788],
      [0, 1, 0.433], [2, 2, -6.439], [1, 1, -0.032], [0, 4, 0.092], [1, 4, -0.054]];
    function sum(terms) {
      return terms.reduce(function (total, t) { return total + t[2] * Math.pow(f, t[0]) * Math.pow(l, t[1]); }, 0);
    }
    return [155000 + sum(X), 463000 + sum(Y)];
  };

  /* Length in metres and, from three points on, area in m2 of the closed figure; in the plane of RD, as the tables. */
  dgdo.measured = function (points) {
    var plane = points.map(function (p) { return dgdo.rd(p.lng, p.lat); });
    var length = 0, area = 0;
    plane.forEach(function (p, i) {
      if (i) length += Math.hypot(p[0] - plane[i - 1][0], p[1] - plane[i - 1][1]);
      var next = plane[(i + 1) % plane.length];
      area += p[0] * next[1] - next[0] * p[1];
    });
    return { length_m: length, area_m2: points.length > 2 ? Math.abs(area) / 2 : 0 };
  };

  function dutch(value) {
    var digits = value < 10 ? 2 : value < 100 ? 1 : 0;
    return value.toLocaleString("nl-NL", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  }
  dgdo.lengthNl = function (m) { return m < 1000 ? Math.round(m) + " m" : dutch(m / 1000) + " km"; };
  dgdo.areaNl = function (m2) {
    return m2 < 1e6 ? dutch(m2 / 1e4) + " ha" : dutch(m2 / 1e6) + " km²";
  };

  /* Points on the map, set by clicks or with the keyboard, and what they say: the ground of measuring and drawing.
     `about`: name, words_how, say(points) -> sentences, done(points) for a button that hands them over. */
  function drafting(map, words, opener, about) {
    var made = panel(map, opener, about.name, words[about.name]), points = [], drawn = null, box = map.getContainer();
    L.DomUtil.create("p", "", made.box).textContent = words[about.name + "_how"];
    var result = L.DomUtil.create("p", "dgdo-measured", made.box);
    result.setAttribute("role", "status");
    var acts = L.DomUtil.create("div", "dgdo-acts", made.box), finish = null;
    var buttons = [["add", function () { add(map.getCenter()); }], ["undo", function () { points.pop(); draw(); }],
      ["clear", function () { points = []; draw(); }], ["close", function () { made.show(false); opener.focus(); }]];
    if (about.done) buttons.splice(1, 0, ["done", function () { if (points.length > 2) about.done(points, drawn); }]);
    buttons.forEach(function (act) {
      var one = L.DomUtil.create("button", "dgdo-button", acts);
      one.type = "button";
      one.textContent = words[about.name + "_" + act[0]] || words["measure_" + act[0]];
      one.onclick = act[1];
      if (act[0] === "done") { finish = one; one.classList.add("dgdo-main"); }
    });
    function add(where) { points.push(where); draw(); }
    function draw() {
      if (drawn) drawn.remove();
      drawn = null;
      result.textContent = about.say(points).join(" ");
      /* Not `disabled`: a reader of the screen would not find the button, nor why it does nothing. */
      if (finish) finish.setAttribute("aria-disabled", String(points.length < 3));
      if (!points.length) return;
      var style = { color: "#154273", weight: 3, interactive: false, pane: "dgdo-measure" };
      dgdo.pane(map, "dgdo-measure", 620);
      drawn = L.layerGroup(points.map(function (p) {
        return L.circleMarker(p, Object.assign({ radius: 4, fillColor: "#fff", fillOpacity: 1 }, style));
      }));
      var path = points.length > 2 ? L.polygon(points, Object.assign({ fillOpacity: .12 }, style)) : L.polyline(points, style);
      drawn.addLayer(path).addTo(map);
    }
    made.changed = function (isShown) {
      box.classList.toggle("dgdo-measuring", !!box.querySelector(".dgdo-drafting:not([hidden])"));
      if (!isShown) points = [];
      draw();
      if (isShown) acts.firstChild.focus();
    };
    made.box.classList.add("dgdo-drafting");
    /* Before the map sees it: a click that sets a point must not also ask for an answer. */
    box.addEventListener("click", function (event) {
      if (made.box.hidden || event.target.closest(".leaflet-control, .dgdo-panel, .dgdo-corner")) return;
      event.stopImmediatePropagation();
      if (map.dragging && map.dragging.moved()) return;
      add(map.mouseEventToLatLng(event));
    }, true);
    var now = dgdo.state(map);
    (now.drafts = now.drafts || []).push(function (where) {
      if (made.box.hidden) return false;
      add(where);
      return true;
    });
    draw();
  }

  function measuring(map, words, opener) {
    drafting(map, words, opener, { name: "measure", say: function (points) {
      var size = dgdo.measured(points);
      if (points.length < 2) return [words.measure_none];
      var said = [words.measure_length.replace("{value}", dgdo.lengthNl(size.length_m))];
      return points.length < 3 ? said : said.concat(words.measure_area.replace("{value}", dgdo.areaNl(size.area_m2)));
    } });
  }

  /* A polygon for a question. streamlit-folium hands over what Leaflet.draw says is made. */
  function drawing(map, words, opener) {
    drafting(map, words, opener, {
      name: "draw",
      say: function (points) {
        if (points.length < 3) return [words.draw_none.replace("{count}", points.length)];
        var area = dgdo.areaNl(dgdo.measured(points).area_m2);
        return [words.draw_area.replace("{count}", points.length).replace("{value}", area)];
      },
      done: function (points) {
        var layer = L.polygon(points);
        /* Its own number: the same area drawn again is a new question. */
        layer.feature = { type: "Feature", properties: { number: Date.now() } };
        map.fire("draw:created", { layer: layer, layerType: "polygon" });
      }
    });
  }

  /* Keyboard: the arrows move the map under a cross, Enter asks for the place under it. ----- */
  function keyboard(map) {
    var box = map.getContainer();
    L.DomUtil.create("div", "dgdo-cross", box).setAttribute("aria-hidden", "true");
    box.addEventListener("keydown", function (event) {
      if (event.target !== box || event.key !== "Enter") return;
      event.preventDefault();
      var centre = map.getCenter();
      if (dgdo.state(map).drafts.some(function (take) { return take(centre); })) return;
      map.fire("click", {
        latlng: centre, containerPoint: map.latLngToContainerPoint(centre), layerPoint: map.latLngToLayerPoint(centre)
      });
    });
  }
})();
