"""What a TFLite graph is made of, read from the flatbuffer."""

from __future__ import annotations

from dataclasses import dataclass

from tensorflow.lite.python import schema_py_generated as schema

from convert.errors import OperatorError

_OPERATOR_NAMES = {
    value: name for name, value in vars(schema.BuiltinOperator).items() if not name.startswith("_")
}
_TYPE_NAMES = {
    value: name for name, value in vars(schema.TensorType).items() if not name.startswith("_")
}
INTEGER = frozenset(
    {"QUANTIZE", "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "ADD", "MUL", "PAD"}
    | {"MAX_POOL_2D", "MEAN", "LOGISTIC", "RESHAPE", "AVERAGE_POOL_2D"}
)
"""What XNNPACK runs in int8 (its delegate's source), and AVERAGE_POOL_2D, for which TFLite has a
kernel of its own; QUANTIZE only turns uint8 pixels to int8."""


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator: its builtin name, and the types of the tensors that it reads and writes."""

    name: str
    types: frozenset[str]


def operators(model: bytes) -> list[Operator]:
    """Return the operators of the first subgraph of a ``.tflite`` in order of execution."""
    tree = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model, 0))
    graph = tree.subgraphs[0]
    found = []
    for operator in graph.operators:
        code = tree.operatorCodes[operator.opcodeIndex]
        number = max(code.builtinCode, code.deprecatedBuiltinCode)
        tensors = [i for i in (*operator.inputs, *operator.outputs) if i >= 0]
        types = frozenset(_TYPE_NAMES[graph.tensors[i].type] for i in tensors)
        found.append(Operator(_OPERATOR_NAMES[number], types))
    return found


def check_integer_only(model: bytes) -> None:
    """Raise ``OperatorError`` where an int8 graph computes in float, or in operators not tried."""
    for operator in operators(model):
        floats = sorted(name for name in operator.types if name.startswith("FLOAT"))
        if floats or operator.name not in INTEGER:
            raise OperatorError(
                f"int8 graph: expected integer operators among {', '.join(sorted(INTEGER))}, "
                f"found {operator.name} on {', '.join(sorted(operator.types))}; "
                "use layers that quantise"
            )
