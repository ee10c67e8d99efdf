namespace CellOS.Export.S3.Bench.Peers;

/// <summary>A way to put a file into a bucket.</summary>
internal interface IPeer : IDisposable
{
    /// <summary>Puts one file; any number of them at once.</summary>
    /// <param name="name">The artifact's name, a new one each time.</param>
    /// <param name="path">The file.</param>
    /// <exception cref="Exception">It is not stored, or by other means than was asked for.</exception>
    Task PushAsync(string name, string path);
}
