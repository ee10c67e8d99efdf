using CellOS.Export.S3.Core;
using CellOS.Export.S3.Local;

namespace CellOS.Export.S3.Spooling;

/// <summary>A spool cannot be used, or does not keep an artifact, for a reason that the core gives.</summary>
internal sealed class SpoolRefusedException(Refusal refusal) : Exception(refusal.Message)
{
    internal Refusal Refusal { get; } = refusal;

    internal static SpoolRefusedException Of(string path, SpoolFolderFault fault) =>
        new(SpoolPolicy.OnFolder(path, fault));

    /// <summary>True if an exception says that the file system does not do what a spool needs.</summary>
    internal static bool IsFault(Exception exception) =>
        exception is FolderFaultException or IOException or UnauthorizedAccessException;

    /// <summary>What such an exception means for a spool.</summary>
    internal static Refusal RefusalOf(Exception exception, string path) =>
        SpoolPolicy.OnFault(FolderFaultException.From(exception, path).Fault);

    internal static SpoolRefusedException Of(Exception exception, string path) =>
        new(RefusalOf(exception, path));
}
