using CellOS.Export.S3.Cli.Progress;
using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Cli.Verifying.Page;

/// <summary>The table of artifacts, which the page's script searches and sorts.</summary>
internal sealed class ArtifactTable(HtmlWriter html, VerificationPage page)
{
    internal void Write()
    {
        html.Raw("<section id=\"artifacts\">\n<h2>Artifacts</h2>\n");
        if (page.Artifacts.IsEmpty)
        {
            html.Raw("<p class=\"more\">There are no artifacts.</p>\n</section>\n");
            return;
        }

        if (page.ArtifactsNotListed.Length > 0)
            html.Write($"<p class=\"more\">{page.ArtifactsNotListed}</p>\n");
        html.Raw(
            """
            <div class="tools" id="tools" hidden>
            <label>Search <input type="search" id="search" placeholder="name, destination, SHA-256" autocomplete="off" spellcheck="false"></label>
            <label>Status <select id="status"><option value="">all</option></select></label>
            <label>Sort by <select id="sort"></select></label>
            <output id="shown" for="search status"></output>
            </div>
            <table id="table">
            <colgroup><col><col class="c2"><col class="c3"><col class="c4"><col class="c5"></colgroup>
            <thead><tr><th scope="col">Artifact</th><th scope="col">Status</th><th scope="col">Size</th><th scope="col">Exported</th><th scope="col">SHA-256</th></tr></thead>
            <tbody>

            """
        );
        foreach (var row in page.Artifacts)
            Row(row);
        html.Raw("</tbody>\n</table>\n</section>\n");
    }

    private void Row(ArtifactRow row)
    {
        html.Write($"<tr><td><bdi class=\"name\">{row.Name}</bdi>");
        if (row.Destination?.Value is { } destination)
            html.Write($"<bdi class=\"place\">{destination}</bdi>");
        if (row.Problem.Length > 0)
            html.Write($"<p class=\"problem\">{row.Problem}</p>");
        var kind =
            !row.IsGood ? "bad"
            : row.IsIntact ? "good"
            : "warn";
        html.Write($"</td><td><b class=\"badge {kind}\">{row.Word}</b>");
        if (row.Seal.Length > 0 && row.Seal != row.Word)
            html.Write($" <span class=\"seal\">{row.Seal}</span>");
        html.Raw("</td>");
        if (row.Bytes?.Value is { } bytes)
            html.Write($"<td data-key=\"{bytes}\">{Amounts.Bytes(bytes)}</td>");
        else
            html.Raw("<td data-key=\"-1\"></td>");
        html.Write($"<td>{row.CompletedAt?.Value}</td><td>");
        if (row.Sha256?.Value is { } sha256)
            html.Write($"<code>{sha256}</code>");
        if (row.FileSha256?.Value is { } other)
            html.Write($" <code class=\"other\">file: {other}</code>");
        html.Raw("</td></tr>\n");
    }
}
