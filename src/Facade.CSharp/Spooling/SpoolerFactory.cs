using CellOS.Export.S3.Core;
using Microsoft.Extensions.Logging;

namespace CellOS.Export.S3.Spooling;

/// <summary>Makes spoolers.</summary>
internal static class SpoolerFactory
{
    /// <summary>Makes a spooler of a sink; null if it keeps nothing.</summary>
    /// <exception cref="PlatformNotSupportedException">The system is not Linux.</exception>
    internal static Spooler? Create(
        SpoolSettings? settings,
        TargetKind kind,
        SpoolInner inner,
        TimeProvider time,
        ILogger logger
    ) =>
        settings is null ? null
        : OperatingSystem.IsLinux()
            ? new Spooler(
                new SpoolSettings(LocalExportSink.AbsolutePath(settings.Folder)!, settings.MaxBytes),
                kind,
                inner,
                time,
                logger
            )
        : throw new PlatformNotSupportedException(
            "A spool needs Linux: only there can it keep symbolic links from leading elsewhere. Export without a spool."
        );
}
