/* Map layers of dgdo-geo on Leaflet: patterns, layers by address, tiles, watermark, what is being loaded and what failed.
   All words come from the server; layer attributes are set as text, never as HTML. */
(function () {
  "use strict";
  var dgdo = (window.dgdo = {});
  var SVG = "http://www.w3.org/2000/svg";
  /* Order of the panes; the names are those in elements.py. */
  var PANES = { "dgdo-base": 350, "dgdo-tiles": 360, "dgdo-verdict": 400, "dgdo-mask": 405, "dgdo-lines": 410 };

  /* Pattern definitions live once in the document; paths refer to them with url(#id). */
  dgdo.patterns = function (markup) {
    if (document.getElementById("dgdo-patterns")) return;
    var svg = document.createElementNS(SVG, "svg");
    svg.id = "dgdo-patterns";
    svg.setAttribute("width", "0");
    svg.setAttribute("height", "0");
    svg.setAttribute("aria-hidden", "true");
    svg.style.position = "absolute";
    svg.innerHTML = "<defs>" + markup + "</defs>";
    document.body.appendChild(svg);
  };

  /* A pane of the map by its name; panes of overlays get the order that the reader gave them. */
  dgdo.pane = function (map, name, above) {
    var pane = map.getPane(name) || map.createPane(name);
    pane.style.zIndex = above === undefined ? PANES[name] || pane.style.zIndex : above;
    return name;
  };

  /* Show a part of the world. The frame gets its size while the map is made, sometimes later, and nothing fits in a frame
     without one; so the map fits again whenever it has another size, until the reader moves it. */
  dgdo.fit = function (map, bounds, padding) {
    var box = map.getContainer(), before = "";
    function fit() {
      map.invalidateSize({ pan: false, debounceMoveend: true });
      var size = map.getSize(), now = size.x + " " + size.y;
      var room = size.subtract(padding.paddingTopLeft).subtract(padding.paddingBottomRight);
      if (now === before || room.x <= 0 || room.y <= 0) return;
      before = now;
      map.fitBounds(bounds, L.extend({ animate: false }, padding));
    }
    fit();
    var watch = new ResizeObserver(fit);
    watch.observe(box);
    ["mousedown", "keydown", "wheel", "touchstart"].forEach(function (name) {
      box.addEventListener(name, function () { watch.disconnect(); }, { capture: true, passive: true, once: true });
    });
  };

  function lines(properties, names) {
    var box = document.createElement("div");
    names.forEach(function (name, position) {
      var value = properties[name];
      (Array.isArray(value) ? value : [value]).forEach(function (line) {
        if (!line) return;
        var row = document.createElement(position === 0 ? "strong" : "div");
        row.textContent = line;
        box.appendChild(row);
      });
    });
    return box;
  }

  /* What is being loaded, and what failed ------------------------------------------------ */

  function state(map) {
    if (!map._dgdo) map._dgdo = { waiting: 0, words: {}, failures: [] };
    return map._dgdo;
  }
  dgdo.state = state;

  function corner(map) {
    var now = state(map);
    if (!now.box) {
      now.box = L.DomUtil.create("div", "dgdo-corner", map.getContainer());
      L.DomEvent.disableClickPropagation(now.box);
      now.status = L.DomUtil.create("div", "dgdo-status", now.box);
      now.status.setAttribute("role", "status");
      now.alerts = L.DomUtil.create("div", "", now.box);
      now.alerts.setAttribute("role", "alert");
    }
    return now;
  }

  /* A layer began or ended loading; the map says so until the last one is there. */
  dgdo.begin = function (map) {
    var now = corner(map);
    now.waiting += 1;
    now.status.textContent = now.words.loading || "";
    map.getContainer().removeAttribute("data-dgdo-ready");
  };
  dgdo.end = function (map) {
    var now = corner(map);
    now.waiting = Math.max(0, now.waiting - 1);
    if (now.waiting) return;
    now.status.textContent = "";
    map.getContainer().setAttribute("data-dgdo-ready", "yes");
  };

  /* A sentence on the map with a button that tries again; the same sentence stands there once. */
  dgdo.fail = function (map, words, again) {
    var now = corner(map);
    var known = now.failures.filter(function (one) { return one.words === words; })[0];
    if (known) { known.again.push(again); return; }
    var failure = { words: words, again: [again] };
    var box = L.DomUtil.create("div", "dgdo-message", now.alerts);
    L.DomUtil.create("p", "", box).textContent = words;
    var button = L.DomUtil.create("button", "dgdo-button", box);
    button.type = "button";
    button.textContent = now.words.retry || "";
    button.onclick = function () {
      dgdo.clear(map, failure);
      map.getContainer().focus();
      failure.again.forEach(function (one) { one(); });
    };
    failure.box = box;
    now.failures.push(failure);
  };
  dgdo.clear = function (map, failure) {
    var now = state(map);
    if (failure.box) failure.box.remove();
    now.failures = now.failures.filter(function (one) { return one !== failure; });
  };
  function forget(map, again) {
    state(map).failures.slice().forEach(function (failure) {
      failure.again = failure.again.filter(function (one) { return one !== again; });
      if (!failure.again.length) dgdo.clear(map, failure);
    });
  }

  /* The answer to an address as JSON; an unknown path would be answered with a page. */
  function json(url) {
    return fetch(url).then(function (answer) {
      var type = answer.headers.get("content-type") || "";
      if (type.indexOf("json") < 0) throw new Error(String(answer.status));
      return answer.json().then(function (data) {
        if (!answer.ok) throw Object.assign(new Error(String(answer.status)), { words: data.message_nl });
        return data;
      });
    });
  }

  function note(map, url) {
    var box = map.getContainer();
    box.setAttribute("data-dgdo-loaded", (box.getAttribute("data-dgdo-loaded") || "") + " " + url);
  }

  /* Layers ------------------------------------------------------------------------------- */

  /* A GeoJSON layer that fetches its own data. With `by_view` it asks for what is in view, again after every move. */
  dgdo.Layer = L.GeoJSON.extend({
    initialize: function (url, options) {
      this._url = url;
      this._own = options;
      this._again = this._fetch.bind(this);
      L.GeoJSON.prototype.initialize.call(this, null, {
        pane: options.pane || "overlayPane",
        interactive: options.tooltip.length > 0,
        attribution: options.attribution || null,
        style: function (feature) {
          var key = feature.properties[options.property];
          return Object.assign({ className: "dgdo-" + key, pane: options.pane }, options.styles[key] || options.styles["*"]);
        },
        pointToLayer: function (feature, where) {
          return L.circleMarker(where, { radius: 4, pane: options.pane });
        },
        onEachFeature: function (feature, layer) {
          /* A browser stops at every shape with a tooltip: hundreds of Tabs to get out of the map. The table has the same. */
          layer.on("add", function () {
            var shape = layer.getElement && layer.getElement();
            if (shape) shape.setAttribute("tabindex", "-1");
          });
          if (!options.tooltip.length || !feature.properties[options.tooltip[0]]) return;
          layer.bindTooltip(function () { return lines(feature.properties, options.tooltip); },
            { sticky: true, opacity: 1, className: "dgdo-tooltip" });
        }
      });
    },
    onAdd: function (map) {
      if (this._own.pane.indexOf("dgdo-") === 0) dgdo.pane(map, this._own.pane, this._own.above);
      L.GeoJSON.prototype.onAdd.call(this, map);
      this._shownOn = map;
      if (this._own.panel) dgdo.listed(map, this, true);
      if (this._own.by_view) map.on("moveend", this._moved, this);
      this._fetch();
    },
    onRemove: function (map) {
      L.GeoJSON.prototype.onRemove.call(this, map);
      map.off("moveend", this._moved, this);
      if (this._own.panel) dgdo.listed(map, this, false);
      forget(map, this._again);
      if (this._loading) dgdo.end(map);
      this._loading = this._shownOn = null;
    },
    _address: function () {
      if (!this._own.by_view) return this._url;
      /* A view rounded outward to whole tiles, so that small moves ask for nothing new. */
      var map = this._shownOn, zoom = Math.max(0, Math.round(map.getZoom())), side = 360 / Math.pow(2, zoom);
      var seen = map.getBounds();
      var view = [Math.floor(seen.getWest() / side), Math.floor(seen.getSouth() / side),
        Math.ceil(seen.getEast() / side), Math.ceil(seen.getNorth() / side)];
      var corners = view.map(function (value) { return Number((value * side).toFixed(6)); });
      return this._url + "&zoom=" + zoom + "&vak=" + corners.join(",");
    },
    _moved: function () { if (this._address() !== this._asked) this._fetch(); },
    _fetch: function () {
      var layer = this, map = this._shownOn;
      if (!map || (this._asked && !this._own.by_view && this.getLayers().length)) return;
      var url = (this._asked = this._address());
      if (!this._loading) dgdo.begin(map);
      this._loading = url;
      json(url).then(function (data) {
        if (layer._loading !== url) return;
        if (layer._own.by_view) layer.clearLayers();
        layer.addData(data);
        note(map, layer._url);
        forget(map, layer._again);
        done();
      }).catch(function (problem) {
        if (layer._loading !== url) return;
        layer._asked = null;
        if (layer._own.by_view) layer.clearLayers();
        dgdo.fail(map, problem.words || layer._own.failed, layer._again);
        done();
      });
      function done() { layer._loading = null; dgdo.end(map); }
    }
  });

  /* Pictures of 256 by 256 pixels. A `quiet` one is a background: when it fails only a note says so. */
  dgdo.Tiles = L.TileLayer.extend({
    initialize: function (url, options) {
      this._own = options;
      this._again = this._retry.bind(this);
      L.TileLayer.prototype.initialize.call(this, url, {
        pane: options.pane, minZoom: 6, maxZoom: 15, attribution: options.attribution || null,
        className: options.quiet ? "dgdo-background" : "dgdo-tile", updateWhenZooming: false, keepBuffer: 1
      });
    },
    onAdd: function (map) {
      if (this._own.pane.indexOf("dgdo-") === 0) dgdo.pane(map, this._own.pane, this._own.above);
      this._failed = 0;
      this.on("loading", this._began, this).on("load", this._ended, this).on("tileerror", this._missed, this);
      if (this._own.panel) dgdo.listed(map, this, true);
      return L.TileLayer.prototype.onAdd.call(this, map);
    },
    onRemove: function (map) {
      this.off("loading", this._began, this).off("load", this._ended, this).off("tileerror", this._missed, this);
      if (this._own.panel) dgdo.listed(map, this, false);
      forget(map, this._again);
      if (this._busy) dgdo.end(map);
      this._busy = false;
      return L.TileLayer.prototype.onRemove.call(this, map);
    },
    _retry: function () { this._failed = 0; if (this._map) this.redraw(); },
    _missed: function () { this._failed += 1; },
    _began: function () {
      this._failed = 0;
      if (this._own.quiet || this._busy) return;
      this._busy = true;
      dgdo.begin(this._map);
    },
    _ended: function () {
      var map = this._map;
      if (!map) return;
      if (this._failed && this._own.quiet) dgdo.remark(map, this._own.failed);
      else if (this._failed) dgdo.fail(map, this._own.failed, this._again);
      else if (this._own.quiet) dgdo.remark(map, "");
      else { forget(map, this._again); note(map, this._url); }
      if (this._busy) { this._busy = false; dgdo.end(map); }
    }
  });

  /* A remark that asks nothing of the reader. */
  dgdo.remark = function (map, words) {
    var now = corner(map);
    if (!now.remark) now.remark = L.DomUtil.create("div", "dgdo-remark", now.box);
    now.remark.textContent = words;
  };

  /* Words across the whole picture, so that a screenshot keeps them. */
  dgdo.Watermark = L.Layer.extend({
    initialize: function (background, words) { this._background = background; this._words = words; },
    onAdd: function (map) {
      this._box = L.DomUtil.create("div", "dgdo-watermark", map.getContainer());
      this._box.style.backgroundImage = this._background;
      this._label = L.DomUtil.create("div", "dgdo-watermark-label", map.getContainer());
      this._label.textContent = this._words;
    },
    onRemove: function () { this._box.remove(); this._label.remove(); }
  });

  /* A sentence in the lower left corner: what kind of picture this is. */
  dgdo.Label = L.Layer.extend({
    initialize: function (words) { this._words = words; },
    onAdd: function (map) {
      this._control = L.control({ position: "bottomleft" });
      var words = this._words;
      this._control.onAdd = function () {
        var box = L.DomUtil.create("div", "dgdo-label");
        box.textContent = words;
        return box;
      };
      this._control.addTo(map);
    },
    onRemove: function () { this._control.remove(); }
  });
})();
