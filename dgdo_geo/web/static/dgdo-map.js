/* Map layers of dgdo-geo on Leaflet: patterns, layers by address, watermark, Dutch controls.
   All words come from the server; layer attributes are set as text, never as HTML. */
(function () {
  "use strict";
  var dgdo = (window.dgdo = {});
  var SVG = "http://www.w3.org/2000/svg";

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

  function message(map, words) {
    var control = L.control({ position: "topright" });
    control.onAdd = function () {
      var box = L.DomUtil.create("div", "dgdo-message");
      box.setAttribute("role", "alert");
      box.textContent = words;
      return box;
    };
    control.addTo(map);
    return control;
  }

  /* A GeoJSON layer that fetches its own data; a failure is said on the map. */
  dgdo.Layer = L.GeoJSON.extend({
    initialize: function (url, options) {
      this._url = url;
      L.GeoJSON.prototype.initialize.call(this, null, {
        pane: options.pane || "overlayPane",
        interactive: options.tooltip.length > 0,
        attribution: options.attribution || null,
        style: function (feature) {
          var key = feature.properties[options.property];
          return Object.assign({ className: "dgdo-" + key, pane: options.pane }, options.styles[key] || options.styles["*"]);
        },
        onEachFeature: function (feature, layer) {
          if (!options.tooltip.length || !feature.properties[options.tooltip[0]]) return;
          layer.bindTooltip(function () { return lines(feature.properties, options.tooltip); },
            { sticky: true, opacity: 1, className: "dgdo-tooltip" });
        }
      });
      this._failed = options.failed;
    },
    onAdd: function (map) {
      if (this.options.pane === "dgdo-base" && !map.getPane("dgdo-base")) map.createPane("dgdo-base").style.zIndex = 350;
      L.GeoJSON.prototype.onAdd.call(this, map);
      this._shownOn = map;
      if (!this._asked) this._fetch();
    },
    onRemove: function (map) {
      L.GeoJSON.prototype.onRemove.call(this, map);
      this._shownOn = null;
      if (this._message) this._message.remove();
    },
    _fetch: function () {
      var layer = this;
      this._asked = true;
      fetch(this._url).then(function (answer) {
        var type = answer.headers.get("content-type") || "";
        if (!answer.ok || type.indexOf("json") < 0) throw new Error(String(answer.status));
        return answer.json();
      }).then(function (data) {
        layer.addData(data);
        if (!layer._shownOn) return;
        var box = layer._shownOn.getContainer();
        box.setAttribute("data-dgdo-loaded", (box.getAttribute("data-dgdo-loaded") || "") + " " + layer._url);
      }).catch(function () {
        if (layer._shownOn) layer._message = message(layer._shownOn, layer._failed);
      });
    }
  });

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

  /* Zoom buttons and scale in Dutch, a name for the map, and no prefix but Leaflet's name. */
  dgdo.dress = function (map, words) {
    L.control.zoom({ zoomInTitle: words.zoom_in, zoomOutTitle: words.zoom_out }).addTo(map);
    L.control.scale({ imperial: false }).addTo(map);
    map.attributionControl.setPrefix("Leaflet");
    var box = map.getContainer();
    box.setAttribute("role", "region");
    box.setAttribute("aria-label", words.label);
    document.documentElement.lang = "nl";
    /* folium forbids zooming the page on a phone. */
    document.querySelectorAll("meta[name=viewport]").forEach(function (meta) {
      meta.setAttribute("content", "width=device-width, initial-scale=1");
    });
  };
})();
