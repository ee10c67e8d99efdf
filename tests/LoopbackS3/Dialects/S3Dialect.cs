namespace LoopbackS3;

/// <summary>Amazon S3, and the stores whose responses have its checksum headers.</summary>
internal sealed record S3Dialect : Dialect
{
    /// <summary>Returned where the client sent no checksum.</summary>
    public ChecksumAlgorithm? ChecksumOfItsOwn { get; init; }

    /// <summary>True if a checksum comes with <c>x-amz-checksum-type</c>.</summary>
    public bool StatesType { get; init; }

    public bool IsKms { get; init; }

    /// <summary>The request id of the network in front of the store, in place of Amazon's two.</summary>
    public string? IdHeader { get; init; }

    internal override IEnumerable<Digest> Needs(ChecksumAlgorithm? sent) =>
        (sent ?? ChecksumOfItsOwn) is { } returned ? [returned.Digest] : [];

    internal override string ETag(Digests stored) => IsKms ? SseKms.NewETag() : base.ETag(stored);

    internal override Headers Marks(Digests stored, ChecksumAlgorithm? sent)
    {
        Headers marks = IsKms ? [.. SseKms.Headers] : [];
        if ((sent ?? ChecksumOfItsOwn) is not { } returned)
            return marks;
        marks.Add(new(returned.Header, stored.Base64(returned.Digest)));
        if (StatesType)
            marks.Add(new(ChecksumAlgorithm.TypeHeader, "FULL_OBJECT"));
        return marks;
    }

    internal override Headers Ids(string requestId, string hostId) =>
        IdHeader is null
            ? [new("x-amz-request-id", requestId), new("x-amz-id-2", hostId)]
            : [new(IdHeader, requestId)];
}
