using System.Collections.Concurrent;
using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Urls;

/// <summary>
/// The objects that URLs were given for, each with its artifact, as long as the source of the URLs lives. An object is
/// remembered as a digest: the text may hold a credential.
/// </summary>
internal sealed class SentObjects
{
    private readonly ConcurrentDictionary<TextDigest, (ArtifactName, Destination)> _objects = new();

    /// <summary>Rejects a URL whose object belongs to another artifact, which would be overwritten.</summary>
    internal UrlAnswer Admit(RequestUrl url, PushPlan plan)
    {
        // The push rejects such a URL itself. A corrected source may give it to the artifact that it is for.
        // Only targets with a bucket have sources of URLs.
        var bucket = plan.Target.Bucket!.Value;
        if (
            plan.Target.KeyCheck
            && ObjectAddress.Problem(plan.Destination, ObjectAddress.Check(bucket, plan.Key, url)) is not null
        )
            return new UrlAnswer(url, "");

        var (artifact, destination) = _objects.GetOrAdd(
            TextDigest.Of(ObjectAddress.IdentityIn(BucketModule.Value(bucket), url)),
            (plan.Artifact, plan.Destination)
        );
        var admitted = UrlTemplateModule.AdmitToAddress(
            artifact,
            destination,
            plan.Artifact,
            plan.Destination
        );
        return admitted.IsError ? new UrlAnswer(null, admitted.ErrorValue.Message) : new UrlAnswer(url, "");
    }
}
