"""What a value must be to fit a place, and how well one fits."""

from __future__ import annotations

from collections.abc import Sequence

from quivers.check.demands import allowed_axes, required_element
from quivers.check.draws import shape_of
from quivers.check.types import AnyType, Axis, Type, union
from quivers.families.family import Family, Parameter
from quivers.families.function import Kind
from quivers.families.functions import FUNCTIONS
from quivers.families.support import BOOLEAN, REAL, Element, Member
from quivers.families.table import FAMILIES
from quivers.ide.completion_scope import Scene
from quivers.ide.expected import Around, Bracket
from quivers.records import record, replace

Axes = tuple[Axis, ...]

FITS, MAY_FIT, UNKNOWN_FIT, MISFIT = 0, 1, 2, 3


@record
class Wanted:
    """What fits a place: `axes` at most, None for any, and `more` besides; those in `own` at least.

    `element` None asks nothing of where the value lies. `exact` wants just these axes. At an `is_object`
    place an object stands, and no value.
    """

    axes: Axes | None = None
    element: Element | None = None
    more: int = 0
    own: Axes = ()
    exact: bool = False
    is_object: bool = False


ANYTHING = Wanted()


def fit(type: AnyType | None, wanted: Wanted) -> int:
    """How well a value of a type fits: FITS, MAY_FIT, UNKNOWN_FIT or MISFIT."""
    if not isinstance(type, Type):
        return UNKNOWN_FIT
    if wanted.axes is not None:
        extra = [axis for axis in type.axes if axis not in wanted.axes]
        if len(extra) > wanted.more or any(axis not in type.axes for axis in wanted.own):
            return MISFIT
    found = fit_of_element(type.element, wanted.element)
    if wanted.exact and found == FITS and set(type.axes) != set(wanted.axes or ()):
        return MAY_FIT
    return found


def fit_of_element(found: Element, wanted: Element | None) -> int:
    """How well a value that lies in `found` fits where one in `wanted` is needed."""
    if wanted is None:
        return FITS
    if isinstance(found, Member) or isinstance(wanted, Member):
        return FITS if found == wanted else MISFIT
    if found.within(wanted):
        return FITS
    return MISFIT if found.disjoint_from(wanted) else MAY_FIT


def wanted_at(scene: Scene) -> Wanted:
    """What fits the place, from its statement and the brackets around it."""
    place = scene.place
    wanted = _of_statement(scene)
    for number, bracket in enumerate(place.brackets):
        if not bracket.alone:
            wanted = replace(wanted, element=None, exact=False)
        wanted = _inside(bracket, wanted, scene, is_draw=number == 0 and place.draws)
    return replace(wanted, element=None, exact=False) if place.said else wanted


def _of_statement(scene: Scene) -> Wanted:
    place = scene.place
    if place.keyword == "let":
        return wanted_of_name(scene)
    if place.keyword == "score":
        return Wanted(element=REAL)
    if place.keyword == "return":
        axes = scene.codomain()
        return Wanted(axes, exact=axes is not None)
    return ANYTHING


def wanted_of_name(scene: Scene) -> Wanted:
    """What the steps below ask of the name that the statement binds."""
    uses = scene.demands(scene.place.name)
    return Wanted(allowed_axes(uses), required_element(uses))


def _inside(bracket: Bracket, wanted: Wanted, scene: Scene, *, is_draw: bool) -> Wanted:
    """What fits inside a bracket where `wanted` fits in its place."""
    if bracket.around is Around.CALL:
        if is_draw:
            return _argument_of_draw(bracket, scene)
        return _argument_of_function(bracket, wanted)
    if bracket.around is Around.INDEX:
        value = scene.type(bracket.called)
        axes = value.axes if isinstance(value, Type) else ()
        into = Member(axes[bracket.position].object) if bracket.position < len(axes) else None
        return Wanted(wanted.axes, into)
    if bracket.around is Around.OPTIONS:
        plates = scene.axes(scene.place.plate)
        if bracket.keyword == "where":
            return Wanted(plates, BOOLEAN)
        if bracket.keyword == "via":
            return Wanted(plates, scene.block_over())
        return Wanted(plates, REAL)
    return wanted


def _argument_of_draw(bracket: Bracket, scene: Scene) -> Wanted:
    family = FAMILIES.get(bracket.called)
    if family is None:
        return _argument_of_program(bracket, scene)
    parameter = parameter_of(family, bracket)
    if parameter is None:
        return ANYTHING
    plate = scene.axes(scene.place.plate)
    if scene.place.keyword == "marginalize":
        # One latent is drawn for each element of the plates below, which the header does not say.
        return Wanted(None, parameter.support)
    shape = None if plate is None else shape_of(family, plate, ())
    if shape is None:
        return Wanted(None, parameter.support)
    own = shape.own(parameter) if parameter.event_rank == 2 else ()
    more = parameter.event_rank if not shape.events else 0
    return Wanted(shape.of_parameter(parameter), parameter.support, more=more, own=own)


def parameter_of(family: Family, bracket: Bracket) -> Parameter | None:
    """The parameter of a family that the argument at the place is for."""
    keyword = bracket.keyword
    if keyword is None:
        parameters = family.forms[0].parameters
        return parameters[bracket.position] if bracket.position < len(parameters) else None
    found = (each for form in family.forms for each in form.parameters if each.name == keyword)
    return next(found, None)


def _argument_of_program(bracket: Bracket, scene: Scene) -> Wanted:
    program = scene.checked.programs.get(bracket.called)
    if program is None:
        return ANYTHING
    parameters = program.parameters
    if bracket.keyword is not None:
        parameter = next((each for each in parameters if each.name == bracket.keyword), None)
    else:
        parameter = parameters[bracket.position] if bracket.position < len(parameters) else None
    if parameter is None:
        return ANYTHING
    if parameter.type is None:
        return Wanted(is_object=True)
    return (
        Wanted(parameter.type.axes, parameter.type.element) if isinstance(parameter.type, Type) else ANYTHING
    )


def _argument_of_function(bracket: Bracket, wanted: Wanted) -> Wanted:
    function = FUNCTIONS.get(bracket.called)
    if function is None:
        return ANYTHING
    if function.kind is Kind.OBJECT:
        return Wanted(is_object=True)
    name = bracket.keyword
    if name is None and bracket.position < len(function.parameters):
        name = function.parameters[bracket.position]
    domain = function.domains[function.parameters.index(name)] if name in function.parameters else None
    elementwise = function.kind in (Kind.ELEMENTWISE, Kind.ALONG)
    return Wanted(wanted.axes if elementwise else None, domain)


def indexed(
    type: AnyType | None, wanted: Wanted, indices: Sequence[tuple[str, Type]]
) -> tuple[str, Type] | None:
    """The indices, as `county`, that bring a value with too many axes to what fits, and its type with them.

    None where it fits without, or with none.
    """
    if not isinstance(type, Type) or wanted.axes is None:
        return None
    extra = [axis for axis in type.axes if axis not in wanted.axes]
    if not extra:
        return None
    names: list[str] = []
    axes = type.axes
    for axis in extra:
        index = next(
            (
                (name, found)
                for name, found in indices
                if found.element == Member(axis.object) and all(each in wanted.axes for each in found.axes)
            ),
            None,
        )
        if index is None or axis.copy:
            return None
        names.append(index[0])
        axes = union(*(index[1].axes if each == axis else (each,) for each in axes))
    found = Type(axes, type.element)
    return (", ".join(names), found) if fit(found, wanted) <= MAY_FIT else None
