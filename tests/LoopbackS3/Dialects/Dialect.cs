namespace LoopbackS3;

/// <summary>
/// The store that a server imitates: what its responses confirm, and which checks it makes of its own. The
/// signature is SigV4's in all of them, so that each can be tried with a presigned S3 URL. Every dialect
/// verifies the checksums that a client sends as headers. A closed hierarchy: tests take the members here.
/// </summary>
public abstract record Dialect
{
    private protected Dialect() { }

    /// <summary>
    /// The default: an MD5 ETag, and the checksum that was sent, as a header or in the query. Ceph 16 and
    /// OpenStack Swift's s3api respond so.
    /// </summary>
    public static Dialect PlainMd5 { get; } = new S3Dialect { EnforcesQuery = true };

    /// <summary>
    /// Amazon S3 since December 2024: a CRC-64/NVME where the client sent no checksum ("Checking object
    /// integrity", User Guide). It ignores a checksum in the query.
    /// </summary>
    public static Dialect AmazonS3 { get; } =
        new S3Dialect { ChecksumOfItsOwn = ChecksumAlgorithm.Crc64Nvme, StatesType = true };

    /// <summary>
    /// Amazon S3 with SSE-KMS: <see cref="AmazonS3"/> with an ETag that is not an MD5 ("Common Response
    /// Headers", API Reference).
    /// </summary>
    public static Dialect AmazonS3Kms { get; } =
        new S3Dialect
        {
            ChecksumOfItsOwn = ChecksumAlgorithm.Crc64Nvme,
            StatesType = true,
            IsKms = true,
        };

    /// <summary>
    /// Cloudflare R2: a CRC-64/NVME without a type (recorded responses), and a checksum in the query that
    /// the body has to match (issues about the JS SDK's <c>x-amz-checksum-crc32=AAAAAA==</c>).
    /// </summary>
    public static Dialect CloudflareR2 { get; } =
        new S3Dialect
        {
            ChecksumOfItsOwn = ChecksumAlgorithm.Crc64Nvme,
            EnforcesQuery = true,
            IdHeader = "cf-ray",
        };

    /// <summary>MinIO and newer Ceph: the checksum that was sent as a header, and none otherwise (their code).</summary>
    public static Dialect MinIO { get; } = new S3Dialect();

    /// <summary>
    /// SeaweedFS and Garage: like <see cref="MinIO"/>, and a checksum in the query has to match (their code
    /// and issues).
    /// </summary>
    public static Dialect SeaweedFS { get; } = new S3Dialect { EnforcesQuery = true };

    /// <summary>
    /// Google Cloud Storage's XML API: <c>x-goog-hash: crc32c=…,md5=…</c> ("HTTP headers and query string
    /// parameters", XML API reference).
    /// </summary>
    public static Dialect GoogleCloudStorage { get; } = new GoogleDialect(TwoLines: false);

    /// <summary>Google Cloud Storage with a line of <c>x-goog-hash</c> for each digest.</summary>
    public static Dialect GoogleCloudStorageTwoLines { get; } = new GoogleDialect(TwoLines: true);

    /// <summary>
    /// Azure Blob Storage: <c>Content-MD5</c>, status 201, and an ETag that is no digest. It demands
    /// <c>x-ms-blob-type: BlockBlob</c> ("Put Blob", REST API reference; recorded responses).
    /// </summary>
    public static Dialect AzureBlob { get; } = new AzureDialect();

    /// <summary>
    /// Alibaba Cloud OSS: <c>x-oss-hash-crc64ecma</c>, <c>Content-MD5</c> and an MD5 ETag in upper case
    /// ("PutObject", API reference).
    /// </summary>
    public static Dialect AlibabaOss { get; } = new OssDialect();

    /// <summary>Tencent COS: <c>x-cos-hash-crc64ecma</c> and an MD5 ETag ("CRC64 check", API reference).</summary>
    public static Dialect TencentCos { get; } = new CosDialect();

    /// <summary>
    /// Oracle Object Storage's native API: <c>opc-content-md5</c> and an unquoted ETag that is no digest
    /// (the <c>PutObject</c> of its SDKs).
    /// </summary>
    public static Dialect OracleObjectStorage { get; } = new OracleDialect();

    /// <summary>All dialects by their names.</summary>
    public static IReadOnlyDictionary<string, Dialect> All { get; } =
        typeof(Dialect)
            .GetProperties()
            .Where(property => property.PropertyType == typeof(Dialect))
            .ToDictionary(property => property.Name, property => (Dialect)property.GetValue(null)!);

    /// <summary>True if a checksum in the query is verified like one in a header.</summary>
    internal virtual bool EnforcesQuery { get; init; }

    /// <summary>The status of a response to an upload that was stored.</summary>
    internal virtual int Success => 200;

    /// <summary>The digests that the response needs beside MD5 and SHA-256, for an upload with this checksum.</summary>
    internal virtual IEnumerable<Digest> Needs(ChecksumAlgorithm? sent) => [];

    /// <summary>Refuses an upload for what this store alone demands.</summary>
    internal virtual S3Error? Refusal(IReadOnlyDictionary<string, string> headers) => null;

    /// <summary>Returns the ETag as it is on the wire, with its quotation marks if it has any.</summary>
    internal virtual string ETag(Digests stored) => $"\"{stored.Hex(Digest.Md5)}\"";

    /// <summary>Returns the further headers that tell what was stored: checksums and encryption.</summary>
    internal abstract Headers Marks(Digests stored, ChecksumAlgorithm? sent);

    /// <summary>Returns the headers that identify a request, in all responses.</summary>
    internal abstract Headers Ids(string requestId, string hostId);
}
