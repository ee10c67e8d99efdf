using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Spooling;

/// <summary>A spool cannot be used, or does not keep an artifact, for a reason that the core gives.</summary>
internal sealed class SpoolRefusedException(Refusal refusal) : Exception(refusal.Message)
{
    internal Refusal Refusal { get; } = refusal;

    internal static SpoolRefusedException Of(string path, SpoolFolderFault fault) =>
        new(SpoolPolicy.OnFolder(path, fault));
}
