namespace LoopbackS3;

/// <summary>
/// One way in which an upload goes wrong. The upload takes a fixed course (before the body, reading it,
/// after it, after storing), and each fault steps in at the points that it needs. A closed hierarchy: tests
/// make faults with the members here.
/// </summary>
/// <remarks>A request that is refused for its signature or headers does not get as far as its fault.</remarks>
public abstract record Fault
{
    private protected Fault() { }

    /// <summary>Lets the attempt through.</summary>
    public static Fault None { get; } = new NoFault();

    /// <summary>A real TCP RST instead of reading the body; no 100 Continue goes out.</summary>
    public static Fault ResetBeforeBody { get; } = new ResetAfter(0);

    /// <summary>The upload is stored as sent, but the reply reports the ETag of something else.</summary>
    public static Fault WrongETag { get; } = new OtherETag(Kms: false);

    /// <summary>
    /// As an SSE-KMS bucket replies: the ETag is not an MD5, and the encryption header says why ("Common
    /// Response Headers", API Reference).
    /// </summary>
    public static Fault KmsETag { get; } = new OtherETag(Kms: true);

    /// <summary>
    /// The upload is stored as sent, and the ETag tells so, but each checksum in the reply is wrong by one
    /// bit. A reply without a checksum has no bit to flip.
    /// </summary>
    public static Fault WrongChecksums { get; } = new OtherChecksum(null);

    /// <summary>One bit of what is stored differs, and the ETag tells so. An empty body has no bit to flip.</summary>
    public static Fault Corrupt { get; } = new FlippedBit();

    /// <summary>Like <see cref="WrongChecksums"/> for the checksum of one digest; the others are right.</summary>
    public static Fault WrongChecksum(Digest digest) => new OtherChecksum(digest);

    /// <summary>
    /// The reply marks its <c>x-amz-checksum-…</c> as one of a multipart upload, which says nothing about
    /// the bytes of one PUT ("Checking object integrity", User Guide). The value itself stays.
    /// </summary>
    /// <param name="suffix">Adds <c>-1</c>, the number of parts, to the value.</param>
    /// <param name="type">Replies with <c>x-amz-checksum-type: COMPOSITE</c>.</param>
    public static Fault CompositeChecksum(bool suffix = true, bool type = true) =>
        new Composite(suffix, type);

    /// <summary>Answers, and stores nothing.</summary>
    /// <param name="code">Null leaves the reply without a body.</param>
    /// <param name="retryAfter">The value of <c>Retry-After</c> (RFC 9110, section 10.2.3): seconds or a date.</param>
    /// <param name="beforeBody">Answers at once instead of reading the body first.</param>
    public static Fault Status(
        int status,
        string? code = null,
        string? message = null,
        string? retryAfter = null,
        bool beforeBody = false,
        IReadOnlyDictionary<string, string>? headers = null
    ) => new StatusReply(status, code, message, retryAfter, beforeBody, headers);

    /// <summary>A RST as soon as the server has read so many bytes of the body, or all of a shorter one.</summary>
    public static Fault ResetWithinBody(long afterBytes) => new ResetAfter(afterBytes);

    /// <summary>A RST in place of the reply to a complete upload.</summary>
    public static Fault ResetAfterBody(bool store) => new NoReply(store, Reset: true);

    /// <summary>An orderly FIN in place of the reply to a complete upload.</summary>
    public static Fault CloseAfterBody(bool store) => new NoReply(store, Reset: false);

    /// <summary>No reply ever: until the client goes away or the server is disposed.</summary>
    public static Fault Silence(bool afterBody = false) => new Silent(afterBody);

    /// <summary>
    /// Reads slowly and then replies as usual. What the connection buffers the client does not feel; see
    /// <see cref="LoopbackS3Options.ReceiveBufferBytes"/>.
    /// </summary>
    public static Fault SlowRead(int bytesPerSecond) => new SlowReader(bytesPerSecond);

    /// <summary>Stores, then sends status line and headers in a trickle, and closes.</summary>
    public static Fault SlowReply(int bytesPerSecond) => new Trickle(bytesPerSecond);

    /// <summary>Sends the client elsewhere, before the body, as S3 does for a bucket of another region.</summary>
    /// <param name="region">For <c>x-amz-bucket-region</c>.</param>
    /// <param name="endpoint">For the <c>Endpoint</c> element.</param>
    public static Fault Redirect(int status, Uri location, string? region = null, string? endpoint = null) =>
        new Redirection(status, location, region, endpoint);

    /// <summary>A well-formed error whose message has so many bytes.</summary>
    public static Fault HugeErrorBody(int status, long bytes) => new LongError(status, bytes);

    /// <summary>An error whose message never ends: until the client goes away or the server is disposed.</summary>
    public static Fault EndlessErrorBody(int status = 500) => new LongError(status, long.MaxValue);

    /// <summary>An error with a body that is not S3's XML.</summary>
    public static Fault BrokenErrorBody(int status, BrokenBody body) => new BrokenError(status, body);

    /// <summary>A 200, without ETag, before the body has been read.</summary>
    /// <param name="store">
    /// Reads on after that and stores. Otherwise the connection ends there, with the rest of the body unread.
    /// </param>
    public static Fault EarlySuccess(bool store) => new EarlyReply(store);

    /// <summary>
    /// These bytes in place of a reply to a complete upload, which is not stored; then a FIN. A whole reply without
    /// <c>Connection: close</c> makes the client use the connection again, and the next attempt may fail on it.
    /// </summary>
    public static Fault RawReply(byte[] bytes) => new RawBytes(bytes);

    internal virtual bool Corrupts => false;

    /// <summary>The digests that the reply tells of, in place of the true ones.</summary>
    internal virtual Digests Reported(Digests stored) => stored;

    /// <summary>Like its fellows below, true when that was the end of the exchange.</summary>
    internal virtual Task<bool> BeforeBodyAsync(Exchange exchange) => GoOn;

    internal virtual int ReadAtMost(long soFar) => int.MaxValue;

    internal virtual Task<bool> AfterReadAsync(Exchange exchange, int count, long soFar) => GoOn;

    internal virtual Task<bool> AfterBodyAsync(Exchange exchange) => GoOn;

    internal virtual Task<bool> AfterStoreAsync(Exchange exchange, Headers reply) => GoOn;

    private protected static Task<bool> GoOn => Task.FromResult(false);

    private protected static Task<bool> Over => Task.FromResult(true);

    private protected static async Task<bool> OverAfter(Task task)
    {
        await task;
        return true;
    }
}
