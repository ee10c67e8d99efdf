namespace LoopbackS3;

/// <summary>A digest that this server computes over a body.</summary>
public enum Digest
{
    /// <summary>Of <c>Content-MD5</c>, <c>opc-content-md5</c>, <c>x-goog-hash</c> and many ETags.</summary>
    Md5,

    /// <summary>Of <c>x-amz-checksum-sha1</c>.</summary>
    Sha1,

    /// <summary>Of <c>x-amz-checksum-sha256</c>.</summary>
    Sha256,

    /// <summary>Of <c>x-amz-checksum-crc32</c>.</summary>
    Crc32,

    /// <summary>Of <c>x-amz-checksum-crc32c</c> and <c>x-goog-hash</c>.</summary>
    Crc32C,

    /// <summary>Of <c>x-amz-checksum-crc64nvme</c>.</summary>
    Crc64Nvme,

    /// <summary>Of <c>x-oss-hash-crc64ecma</c> and <c>x-cos-hash-crc64ecma</c>.</summary>
    Crc64Xz,
}
