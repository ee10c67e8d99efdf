using System.ComponentModel.DataAnnotations;

namespace Broker;

/// <summary>Digests of the content that a URL can be bound to.</summary>
[Flags]
internal enum Digests
{
    None = 0,

    /// <summary>Signed as <c>x-amz-checksum-sha256</c>.</summary>
    Sha256 = 1,

    /// <summary>Signed as <c>Content-MD5</c>.</summary>
    Md5 = 2,
}

/// <summary>The section <c>Broker</c> of appsettings.json. It contains no key and no token.</summary>
internal sealed class BrokerOptions
{
    /// <summary>The URL of an S3 that is not Amazon's; without it, Amazon's of the region.</summary>
    public Uri? Endpoint { get; set; }

    /// <summary>True if the bucket is in the path of a URL and not in its host.</summary>
    public bool PathStyle { get; set; }

    [Required]
    public string Region { get; set; } = "";

    /// <summary>The buckets that URLs may be for.</summary>
    [MinLength(1)]
    public string[] Buckets { get; set; } = [];

    /// <summary>The headers that an upload may carry; <c>*</c> at the end stands for any text.</summary>
    public string[] Headers { get; set; } = [];

    /// <summary>The digests of a request that are signed, so that the store refuses any other content.</summary>
    [EnumDataType(typeof(Digests))]
    public Digests Digests { get; set; } = Digests.Sha256 | Digests.Md5;

    [Range(0, long.MaxValue)]
    public long MaxContentLength { get; set; } = 5L << 30;

    /// <summary>The time that a URL is valid: seven days at most. Temporary keys may end it earlier.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "7.00:00:00")]
    public TimeSpan UrlLifetime { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>The number of requests that one caller may make in each second.</summary>
    [Range(1, int.MaxValue)]
    public int RequestsPerSecond { get; set; } = 1000;

    /// <summary>The file with the digests of static tokens. Without it, tokens are JWTs.</summary>
    public string? TokensFile { get; set; }

    /// <summary>The PEM file with the issuer's EC public key, for JWTs of an issuer without OpenID Connect.</summary>
    public string? JwtPublicKeyFile { get; set; }

    /// <summary>The rights of callers whose JWTs state none, such as those of Kubernetes and of CI services.</summary>
    public SubjectRights[] Subjects { get; set; } = [];
}
