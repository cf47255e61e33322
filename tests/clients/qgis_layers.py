"""QGIS' provider on a register: the map and the table of boundaries as layers, and an edit of a draft. Where the server is,
libpq's environment says."""
import os

from qgis.core import (QgsApplication, QgsDataSourceUri, QgsFeatureRequest, QgsGeometry, QgsProviderRegistry, QgsVectorDataProvider,
                       QgsVectorLayer, QgsWkbTypes)

from tap import check, equal

STREET, GRID = "350304003", "350304003004005"


def layer(user, table, key, where=""):
    uri = QgsDataSourceUri()
    uri.setConnection(os.environ["PGHOST"], os.environ["PGPORT"], os.environ["PGDATABASE"], user, "")
    uri.setDataSource("community", table, "geom", where, key)
    return QgsVectorLayer(uri.uri(False), table, "postgres")


def names(of):
    return [f.name() for f in of.fields()]


def feature(of, expression):
    found = list(of.getFeatures(QgsFeatureRequest().setFilterExpression(expression)))
    equal(len(found), 1, of.name() + ": one feature where " + expression)
    return found[0]


application = QgsApplication([], False)
application.initQgis()
check("postgres" in QgsProviderRegistry.instance().providerList(), "QGIS has its provider")

# the map, as a reader
areas = layer("clients_bi", "areas", "code")
check(areas.isValid(), "areas opens with code as its key", areas.error().message())
equal(areas.crs().authid(), "EPSG:4326", "areas: SRID")
equal(areas.wkbType(), QgsWkbTypes.MultiPolygon, "areas: type")
equal([areas.fields()[n].name() for n in areas.primaryKeyAttributes()], ["code"], "areas: key")
equal(areas.featureCount(), 1111, "areas: features")
equal(len(set(f["code"] for f in areas.getFeatures())), 1111, "areas: each with its own code")
equal(areas.fields().field("code").typeName(), "text", "areas: code is text")
equal(set(names(areas)), {"code", "name", "level", "kind", "parent_code", "district_code", "district_name", "street_code", "street_name",
                          "community_code", "community_name", "valid_from", "version"}, "areas: no field is dropped")
grid = feature(areas, "\"code\" = '%s'" % GRID)
equal(grid["street_name"], "第3街道", "areas: Chinese text")
equal(areas.getFeature(grid.id())["code"], GRID, "areas: a feature is found again by its number")
box = grid.geometry().boundingBox()
equal([round(v, 6) for v in (box.xMinimum(), box.yMinimum(), box.xMaximum(), box.yMaximum())], [119.024, 25.43, 119.025, 25.44], "areas: where it lies")
check(not areas.dataProvider().capabilities() & QgsVectorDataProvider.EditingCapabilities, "areas: a reader edits nothing",
      areas.dataProvider().capabilitiesString())
part = layer("clients_bi", "areas", "code", "level = 'grid' AND street_code = '%s'" % STREET)
equal(part.featureCount(), 100, "areas, filtered: features")
equal(part.uniqueValues(part.fields().indexOf("level")), {"grid"}, "areas, filtered: values")

# the boundaries, as an administrator
drawn = layer("clients_boss", "boundary", "id")
check(drawn.isValid(), "boundary opens", drawn.error().message())
equal(drawn.crs().authid(), "EPSG:4326", "boundary: SRID")
equal([drawn.fields()[n].name() for n in drawn.primaryKeyAttributes()], ["id"], "boundary: key")
equal(drawn.featureCount(), 1111 + 111, "boundary: features, those of the draft, too")
check("code" in names(drawn), "boundary: code, whatever becomes of gridcode", names(drawn))
check(drawn.dataProvider().capabilities() & QgsVectorDataProvider.ChangeGeometries, "boundary: an administrator moves borders",
      drawn.dataProvider().capabilitiesString())


def edit(version):
    """Push a grid's eastern edge outwards; returns whether it was saved, what was said, and whether it lies there now."""
    of = feature(drawn, "\"code\" = '350304010001010' AND \"version\" = %d" % version)
    moved = QgsGeometry.fromWkt("MULTIPOLYGON(((119.099 25.4,119.099 25.41,119.1005 25.41,119.1005 25.4,119.099 25.4)))")
    check(drawn.startEditing() and drawn.changeGeometry(of.id(), moved), "boundary: a polygon of version %d is moved" % version)
    saved = drawn.commitChanges()
    said = " ".join(drawn.commitErrors())
    if not saved:
        drawn.rollBack()
    fresh = layer("clients_boss", "boundary", "id", "id = %d" % of["id"])
    return saved, said, next(fresh.getFeatures()).geometry().equals(moved)


saved, said, there = edit(2)
check(saved and there, "boundary: in a draft it is saved", said)
saved, said, there = edit(1)
check(not saved and not there and "boundary version 1 is published" in said, "boundary: of what is published it is not, and the server says why", said)
# layers close their connections before the application goes
del areas, part, drawn
application.exitQgis()
print("done")
