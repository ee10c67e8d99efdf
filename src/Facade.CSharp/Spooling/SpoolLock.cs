using Microsoft.Win32.SafeHandles;

namespace CellOS.Export.S3.Spooling;

/// <summary>
/// A place of a spool that this holder alone works at: one entry, or the drain. It ends when it is disposed of, and with the
/// process, however that ends.
/// </summary>
internal sealed class SpoolLock(SafeFileHandle handle) : IDisposable
{
    public void Dispose() => handle.Dispose();
}
