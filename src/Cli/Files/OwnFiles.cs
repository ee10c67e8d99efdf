using System.Collections;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Files;

namespace CellOS.Export.S3.Cli.Files;

/// <summary>
/// The files that a command writes its results to, or reads credentials from. They are not evidence, whatever path leads to
/// them.
/// </summary>
internal sealed class OwnFiles
{
    private const string Receipts = "the receipts file";
    private const string Seals = "the file of seals";

    private readonly Dictionary<string, string> _names = new(StringComparer.Ordinal);

    /// <param name="files">The files of the command line.</param>
    internal OwnFiles(CommandFiles files)
    {
        foreach (var other in files.OtherReceipts ?? [])
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

        Add(files.SealKey, "the key of the seals");
        Add(files.SealPassword, "the password of the key of the seals");
        Add(files.Receipts, Receipts);
        Add(files.Seals, Seals);
    }

    /// <summary>The option that names a file which this command appends to; null for other files.</summary>
    /// <param name="name">What the file is to this command.</param>
    internal static string? OptionOf(string name) =>
        name switch
        {
            Receipts => "--receipts",
            Seals => "--seals",
            _ => null,
        };

    /// <summary>What the file at a path is to this command; null for a file that may be evidence.</summary>
    internal string? NameOf(string path) =>
        FileIdentity.OfFile(path) is { } identity ? _names.GetValueOrDefault(identity) : null;

    private void AddStream(int descriptor, string name)
    {
        var path = $"/proc/self/fd/{descriptor}";
        if (FileKinds.OfTarget(path) is FileKind.File)
            Add(path, name);
    }

    private void Add(string? path, string name)
    {
        if (path is not null && FileIdentity.OfTarget(path) is { } identity)
            _names[identity] = name;
    }
}
