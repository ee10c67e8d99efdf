using CellOS.Export.S3.Core;

namespace CellOS.Export.S3;

/// <summary>What keeps a spec or an environment from being used. It holds no secret.</summary>
public sealed record S3ExportProblem
{
    /// <summary>A problem that nothing is known of yet.</summary>
    public S3ExportProblem() { }

    internal S3ExportProblem(ConfigProblem problem, string? file)
    {
        Target = problem.Target?.Value;
        Variable = problem.Variable?.Value;
        Line = problem.Line?.Value;
        // A URL in its place could not be opened.
        File = file is null ? null : FilePath.Show(file);
        Text = problem.Text;
    }

    /// <summary>The target that it is about, if it is about one.</summary>
    public string? Target { get; init; }

    /// <summary>The environment variable that is at fault, or the key of a host's configuration, if it is one of them.</summary>
    public string? Variable { get; init; }

    /// <summary>The file of the spec, or the section of a host's configuration, if it came from one.</summary>
    public string? File { get; init; }

    /// <summary>The line of the spec that is at fault, from 1, where that is known.</summary>
    public int? Line { get; init; }

    /// <summary>What is wrong and how to mend it, in sentences.</summary>
    public string Text { get; init; } = "";

    /// <summary>All of it: file and line, target and variable, what is wrong and how to mend it.</summary>
    public override string ToString()
    {
        string?[] places =
        [
            (File, Line) switch
            {
                ({ } file, { } line) => $"{file}:{line}",
                ({ } file, null) => file,
                (null, { } line) => $"line {line}",
                _ => null,
            },
            Target is null ? null : $"target '{Target}'",
            Variable,
            Text,
        ];
        return string.Join(": ", places.OfType<string>());
    }
}
