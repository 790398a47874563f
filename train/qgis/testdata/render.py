#!/usr/bin/python3
"""Renders a GeoTIFF and a GeoPackage in QGIS as they open there (Debian's
python3-qgis, QT_QPA_PLATFORM=offscreen), each alone.

    render.py FILE.tif FILE.gpkg POINTS

POINTS is a JSON list of [x, y] in the layers' CRS. Prints JSON: for each layer
its renderer, the entries of its legend, and the color at every point as
#rrggbb, "" where nothing is drawn.

    render.py FILE.tif FILE.gpkg --picture PICTURE.png

saves both maps with their legends as one picture instead.
"""
import json
import os
import sys

from qgis.core import (QgsApplication, QgsLayerTreeModel, QgsLayout, QgsLayoutExporter, QgsLayoutItemLabel, QgsLayoutItemLegend,
                       QgsLayoutItemMap, QgsLayoutPoint, QgsLayoutSize, QgsLegendStyle, QgsMapLayerLegendUtils, QgsMapRendererSequentialJob, QgsMapSettings, QgsProject, QgsRasterLayer,
                       QgsUnitTypes, QgsVectorLayer)
from qgis.PyQt.QtCore import QRectF, QSize, Qt
from qgis.PyQt.QtGui import QColor, QFont

SIZE = 1200


def colors(layer, points):
    s = QgsMapSettings()
    s.setLayers([layer])
    s.setDestinationCrs(layer.crs())
    s.setOutputSize(QSize(SIZE, SIZE))
    s.setExtent(layer.extent())
    s.setBackgroundColor(QColor(Qt.transparent))
    s.setFlag(QgsMapSettings.Antialiasing, False)
    job = QgsMapRendererSequentialJob(s)
    job.start()
    job.waitForFinished()
    image, to = job.renderedImage(), s.mapToPixel()
    out = []
    for x, y in points:
        p = to.transform(x, y)
        c = image.pixelColor(int(p.x()), int(p.y()))
        out.append(c.name() if c.alpha() == 255 else "")
    return out


def legend(layer):
    root = QgsProject.instance().layerTreeRoot()
    model = QgsLayerTreeModel(root)  # its nodes live as long as it does
    return [str(n.data(Qt.DisplayRole)) for n in model.layerLegendNodes(root.findLayer(layer))]


def picture(layers, path):
    project = QgsProject.instance()
    layout = QgsLayout(project)
    layout.initializeDefaults()
    mm = QgsUnitTypes.LayoutMillimeters
    page = layout.pageCollection().page(0)
    page.setPageSize(QgsLayoutSize(250, 118, mm))
    font = QFont("Liberation Sans", 7)
    for i, (layer, title) in enumerate(zip(layers, map(os.path.basename, sys.argv[1:3]))):
        left = 3 + 124 * i
        label = QgsLayoutItemLabel(layout)
        label.setText(title + " as QGIS opens it")
        label.setFont(font)
        layout.addLayoutItem(label)
        label.attemptSetSceneRect(QRectF(left, 2, 100, 6))
        m = QgsLayoutItemMap(layout)
        m.attemptSetSceneRect(QRectF(left, 9, 72, 72))
        m.setLayers([layer])
        m.setCrs(layer.crs())
        m.zoomToExtent(layer.extent())
        layout.addLayoutItem(m)
        entries = QgsLayoutItemLegend(layout)
        entries.setAutoUpdateModel(False)
        group = entries.model().rootGroup()
        group.clear()
        group.addLayer(layer)
        for style in (QgsLegendStyle.Group, QgsLegendStyle.Subgroup, QgsLegendStyle.SymbolLabel):
            entries.setStyleFont(style, font)
        if i == 0:  # the band's long name
            QgsMapLayerLegendUtils.setLegendNodeUserLabel(group.findLayer(layer), 0, "predicted emission per cell")
            entries.model().refreshLayerLegend(group.findLayer(layer))
        layout.addLayoutItem(entries)
        entries.attemptMove(QgsLayoutPoint(left + 73, 9, mm))
    settings = QgsLayoutExporter.ImageExportSettings()
    settings.dpi = 110
    result = QgsLayoutExporter(layout).exportToImage(path, settings)
    if result != QgsLayoutExporter.Success:
        sys.exit("the picture cannot be written")


def main():
    app = QgsApplication([], False)
    app.initQgis()
    raster = QgsRasterLayer(sys.argv[1], "raster")
    cells = QgsVectorLayer(sys.argv[2], "cells", "ogr")
    for x in (raster, cells):
        if not x.isValid():
            sys.exit("QGIS cannot open " + x.source())
    QgsProject.instance().addMapLayers([raster, cells])
    if sys.argv[3] == "--picture":
        picture((raster, cells), sys.argv[4])
    else:
        points = json.loads(sys.argv[3])
        print(json.dumps([{"renderer": type(x.renderer()).__name__, "legend": legend(x), "colors": colors(x, points)} for x in (raster, cells)]))
    app.exitQgis()


main()
