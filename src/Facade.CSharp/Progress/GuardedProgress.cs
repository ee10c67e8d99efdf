using Microsoft.Extensions.Logging;

namespace CellOS.Export.S3.Progress;

/// <summary>
/// The caller's progress object for one push. One that throws costs the rest of its reports, and not the push: the
/// body would be cut off by it, or the receipt of an object that has been stored lost.
/// </summary>
internal sealed class GuardedProgress(IProgress<ExportProgress> inner, ILogger logger)
    : IProgress<ExportProgress>
{
    private volatile bool _broken;

    public void Report(ExportProgress value)
    {
        if (_broken)
            return;
        try
        {
            inner.Report(value);
        }
        catch (Exception exception)
        {
            _broken = true;
            // Its type alone: what it says is the caller's own.
            Log.ProgressFailed(logger, value.ArtifactName, exception.GetType().Name);
        }
    }
}
