using System.Collections;
using CellOS.Export.S3.Cli.Arguments;
using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Cli.Files;

/// <summary>
/// The files that a command writes its results to, or reads credentials from. They are not evidence, whatever path leads to
/// them.
/// </summary>
internal sealed class OwnFiles
{
    internal const string Receipts = "the receipts file";

    private readonly Dictionary<string, string> _names = new(StringComparer.Ordinal);

    /// <summary>The files of a push.</summary>
    internal static OwnFiles Of(PushArguments arguments) => new(arguments.Receipts, arguments.OtherReceipts);

    /// <param name="receipts">The file that receipts are appended to; null for none.</param>
    /// <param name="others">Receipts files that are only read.</param>
    internal OwnFiles(string? receipts, IReadOnlyList<string>? others = null)
    {
        foreach (var other in others ?? [])
            Add(other, "a receipts file");
        foreach (DictionaryEntry entry in Environment.GetEnvironmentVariables())
            if (
                entry is { Key: string variable, Value: string path }
                && Variable.CredentialFile(variable) is { Value: { } what }
                && !string.IsNullOrWhiteSpace(path)
            )
                Add(path.Trim(), $"{what} ({variable})");
        if (OperatingSystem.IsLinux())
        {
            AddStream(1, "standard output");
            AddStream(2, "standard error");
        }

        if (receipts is not null)
            Add(receipts, Receipts);
    }

    /// <summary>What the file at a path is to this command; null for a file that may be evidence.</summary>
    internal string? NameOf(string path) =>
        FileIdentity.OfFile(path) is { } identity ? _names.GetValueOrDefault(identity) : null;

    private void AddStream(int descriptor, string name)
    {
        var path = $"/proc/self/fd/{descriptor}";
        if (FileKinds.OfTarget(path) is FileKind.File)
            Add(path, name);
    }

    private void Add(string path, string name)
    {
        if (FileIdentity.OfTarget(path) is { } identity)
            _names[identity] = name;
    }
}
