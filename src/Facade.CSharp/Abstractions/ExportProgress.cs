namespace CellOS.Export;

/// <summary>
/// How far the body of the attempt that is under way has got. The first report of an attempt is of 0 bytes; from
/// there on the bytes grow, up to the length once the whole body is out. What the server makes of it is still open
/// then: only the receipt says that an artifact is stored.
/// </summary>
/// <param name="ArtifactName">The artifact's name.</param>
/// <param name="Attempt">Which attempt it is: 1 or more. Each begins at 0 bytes again.</param>
/// <param name="BytesSent">How many bytes have been handed to the transport.</param>
/// <param name="Length">How many bytes there are.</param>
public readonly record struct ExportProgress(string ArtifactName, int Attempt, long BytesSent, long Length);
