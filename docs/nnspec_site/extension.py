"""The Python-Markdown extension: formulas and blocks."""

from __future__ import annotations

from markdown import Markdown
from pymdownx.blocks import BlocksExtension, BlocksProcessor

from nnspec_site import duties, fine_print, table_heads, take_along, terms, tex, unbroken
from nnspec_site.blocks.benchmark import BenchmarkBlock
from nnspec_site.blocks.clause import ClauseBlock
from nnspec_site.blocks.exercise import ExerciseBlock
from nnspec_site.blocks.experiment import ExperimentBlock
from nnspec_site.blocks.figure import FigureBlock
from nnspec_site.blocks.matrix import MatrixBlock
from nnspec_site.blocks.operation import OperationBlock
from nnspec_site.blocks.reference import ReferenceBlock
from nnspec_site.blocks.statement import StatementBlock
from nnspec_site.blocks.topics import TopicsBlock
from nnspec_site.blocks.write import WriteBlock

BLOCKS = (
    OperationBlock,
    ClauseBlock,
    ExperimentBlock,
    StatementBlock,
    ReferenceBlock,
    FigureBlock,
    BenchmarkBlock,
    MatrixBlock,
    TopicsBlock,
    ExerciseBlock,
    WriteBlock,
)


class SiteExtension(BlocksExtension):
    """``nnspec_site`` in ``markdown_extensions``."""

    def extendMarkdown(self, md: Markdown) -> None:
        super().extendMarkdown(md)
        tex.register(md)
        duties.register(md)
        fine_print.register(md)
        take_along.register(md)
        table_heads.register(md)
        terms.register(md)
        unbroken.register(md)

    def extendMarkdownBlocks(self, md: Markdown, block_mgr: BlocksProcessor) -> None:
        for block in BLOCKS:
            block_mgr.register(block, {})
