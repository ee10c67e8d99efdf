using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using CellOS.Export.S3.Cli.Progress;
using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Cli.Verifying.Page;

/// <summary>
/// Writes a page as HTML. What it says the core decides. The page loads nothing: its policy allows its own style and its own script, by their
/// SHA-256, and nothing else. Without the script it can be read as well.
/// </summary>
internal sealed class PageRenderer(TextWriter output, VerificationPage page, VerifiedInputs inputs)
{
    private readonly HtmlWriter _html = new(output);

    internal void Write()
    {
        var style = Part("page.css");
        var script = Part("page.js");
        Head(style, script);
        _html.Raw("<body>\n<main>\n");
        Verdict();
        Counts();
        Failures();
        Checks();
        if (page.Heads.Length > 0 || page.Seals.Length > 0)
            Seals();
        if (page.Timeline.Length > 0)
            TimelineOfRuns();
        new ArtifactTable(_html, page).Write();
        Inputs();
        _html.Write(
            $"<footer><p>Written by {Tool.Name} {Tool.Version} on {Now()}. This page is one file, and loads nothing.</p></footer>\n"
        );
        _html.Raw("</main>\n<script>");
        _html.Raw(script);
        _html.Raw("</script>\n</body>\n</html>\n");
    }

    private static string Now() =>
        DateTimeOffset.UtcNow.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static string Part(string name)
    {
        using var reader = new StreamReader(
            typeof(PageRenderer).Assembly.GetManifestResourceStream(name)
                ?? throw new InvalidOperationException($"The tool was built without {name}.")
        );
        return reader.ReadToEnd();
    }

    private static string HashOf(string part) =>
        $"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(part)))}'";

    private void Head(string style, string script)
    {
        var policy =
            $"default-src 'none'; script-src {HashOf(script)}; style-src {HashOf(style)}; img-src data:; base-uri 'none'; form-action 'none'";
        _html.Raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
        _html.Write($"<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n");
        _html.Raw(
            """
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <meta name="referrer" content="no-referrer">
            <link rel="icon" href="data:,">

            """
        );
        _html.Write($"<title>{page.Tone.Name}: {page.Headline}</title>\n");
        _html.Raw("<style>");
        _html.Raw(style);
        _html.Raw("</style>\n</head>\n");
    }

    private void Verdict()
    {
        var kind =
            page.Tone.IsVerified ? "good"
            : page.Tone.IsFailed ? "bad"
            : "warn";
        _html.Write($"<header class=\"verdict {kind}\">\n<p class=\"tone\">{page.Tone.Name}</p>\n");
        _html.Write($"<h1>{page.Headline}</h1>\n");
        if (page.Details.Length > 0)
            _html.Write($"<p class=\"details\">{string.Join(' ', page.Details)}</p>\n");
        _html.Write($"<p class=\"exact\">{page.Verdict}</p>\n</header>\n");
    }

    private void Counts()
    {
        _html.Raw("<section>\n<h2>Artifacts by status</h2>\n<ul class=\"counts\">\n");
        foreach (var count in page.Counts)
        {
            var kind =
                count.Count == 0 ? "none"
                : count.IsGood ? "good"
                : count.IsBad ? "bad"
                : "some";
            _html.Write(
                $"<li class=\"{kind}\"><b>{Amounts.Number(count.Count)}</b> <span>{count.Name}</span><p>{count.Meaning}</p></li>\n"
            );
        }

        _html.Raw("</ul>\n</section>\n");
    }

    private void Failures()
    {
        if (page.Failures.IsEmpty)
            return;
        _html.Raw("<section>\n<h2>What failed first</h2>\n<ol class=\"failures\">\n");
        foreach (var failure in page.Failures)
            _html.Write($"<li><b class=\"badge bad\">{failure.Word}</b> <bdi>{failure.Text}</bdi></li>\n");
        _html.Raw("</ol>\n");
        if (page.MoreFailures > 0)
            _html.Write(
                $"<p class=\"more\">… and {Amounts.Number(page.MoreFailures)} more, which verify --json lists.</p>\n"
            );
        _html.Raw("</section>\n");
    }

    private void Checks()
    {
        _html.Raw("<section>\n<h2>What was checked</h2>\n<ul class=\"checks\">\n");
        foreach (var check in page.Checks)
        {
            var kind =
                check.State.IsPassed ? "good"
                : check.State.IsFailed ? "bad"
                : "warn";
            _html.Write(
                $"<li><b class=\"badge {kind}\">{check.State.Name}</b> <div><b>{check.Name}</b><p>{check.Text}</p></div></li>\n"
            );
        }

        _html.Raw("</ul>\n</section>\n");
    }

    private void Seals()
    {
        _html.Raw("<section>\n<h2>Seals</h2>\n");
        if (page.Heads.Length > 0)
        {
            _html.Raw("<dl class=\"heads\">\n");
            foreach (var head in page.Heads)
                _html.Write($"<dt>{head.Word}</dt><dd><bdi>{head.Text}</bdi></dd>\n");
            _html.Raw("</dl>\n");
        }

        _html.Raw("<ul class=\"seals\">\n");
        foreach (var seal in page.Seals)
        {
            _html.Write(
                $"<li><b class=\"badge {(seal.IsGood ? "good" : "bad")}\">{seal.Word}</b> <div><bdi>{seal.File}</bdi>"
            );
            if (seal.Number > 0)
                _html.Write($", line {seal.Number}");
            if (seal.Run.Length > 0)
                _html.Write($"<p><bdi>{seal.Run}</bdi></p>");
            if (seal.Problem.Length > 0)
                _html.Write($"<p class=\"problem\">{seal.Problem}</p>");
            _html.Raw("</div></li>\n");
        }

        _html.Raw("</ul>\n");
        if (page.SealsNotListed.Length > 0)
            _html.Write($"<p class=\"more\">{page.SealsNotListed}</p>\n");
        _html.Raw("</section>\n");
    }

    private void TimelineOfRuns()
    {
        _html.Write(
            $"<section>\n<h2>Time line of the runs</h2>\n<p class=\"more\">{page.Range}, by the clocks of the hosts that exported.</p>\n"
        );
        _html.Raw("<ol class=\"timeline\">\n");
        foreach (var row in page.Timeline)
        {
            _html.Write($"<li><time>{row.When}</time> <span><bdi>{row.What}</bdi>: {row.Counts}</span>");
            var kind =
                !row.IsValid ? "bad"
                : row.IsInterrupted ? "warn"
                : "good";
            // The place of a bar on a line of 1,000 parts; a short run is still seen.
            var width = Math.Max(12, (long)Math.Round((row.Until - row.From) * 1000));
            var left = Math.Min((long)Math.Round(row.From * 1000), 1000 - width);
            _html.Write(
                $"<svg viewBox=\"0 0 1000 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect class=\"line\" width=\"1000\" height=\"10\"/><rect class=\"{kind}\" x=\"{left}\" width=\"{width}\" height=\"10\"/></svg></li>\n"
            );
        }

        _html.Raw("</ol>\n</section>\n");
    }

    private void Inputs()
    {
        _html.Raw("<section>\n<h2>What was given</h2>\n<dl class=\"heads\">\n");
        foreach (var file in inputs.Files)
            _html.Write(
                $"<dt>{file.Role}</dt><dd><bdi>{file.Name}</bdi><br><code>SHA-256 {file.Sha256}</code></dd>\n"
            );
        foreach (var key in inputs.KeyIds)
            _html.Write($"<dt>key</dt><dd><code>{key}</code></dd>\n");
        if (inputs.Bundle is { } bundle)
            _html.Write(
                $"<dt>bundle</dt><dd><bdi>{bundle}</bdi>, {Amounts.Number(inputs.EvidenceFiles)} {(inputs.EvidenceFiles == 1 ? "file" : "files")}</dd>\n"
            );
        foreach (var sentence in inputs.LeftOut)
            _html.Write($"<dt>left out</dt><dd><bdi>{sentence}</bdi></dd>\n");
        _html.Raw("</dl>\n</section>\n");
    }
}
