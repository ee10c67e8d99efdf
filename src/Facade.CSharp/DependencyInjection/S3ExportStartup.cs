using CellOS.Export.S3.Core;
using CellOS.Export.S3.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.FSharp.Core;

namespace CellOS.Export.S3;

/// <summary>What a host knows of its cell, resolved once: when it starts, or when a sink is first asked for.</summary>
internal sealed class S3ExportStartup(
    Func<IReadOnlyDictionary<string, string?>?, S3ExportSpec> spec,
    string cellId,
    Func<IReadOnlyDictionary<string, string?>?> environment,
    TimeProvider? timeProvider,
    ILoggerFactory? loggers,
    IPresignedUrlProvider? urlProvider
)
{
    private readonly FSharpResult<CellId, Refusal> _cell = CellIdModule.Create(cellId);

    private readonly Lazy<S3ExportConfiguration> _configuration = new(() =>
    {
        var variables = environment();
        var configuration = S3ExportConfiguration.Resolve(
            spec(variables),
            // What is wrong with the cell's id is reported together with the rest.
            CellIdModule.Create(cellId).IsOk
                ? cellId
                : null,
            variables,
            timeProvider,
            urlProvider
        );
        Log.Findings(loggers, configuration);
        return configuration;
    });

    internal HttpMessageHandler CreateHandler() => _configuration.Value.CreateHandler();

    internal S3ExportSinks CreateSinks(Func<HttpMessageInvoker> http) =>
        new(_configuration.Value, CoreMapping.Accept(_cell, nameof(cellId)), http, timeProvider, loggers);

    internal ExportSinks CreateAllSinks(Func<HttpMessageInvoker> http) =>
        new(_configuration.Value, CoreMapping.Accept(_cell, nameof(cellId)), http, timeProvider, loggers);

    /// <summary>Stands for the configuration among the options that a host validates at its start.</summary>
    internal sealed class Check;

    /// <summary>Tells a host all that is wrong.</summary>
    internal sealed class Validation(S3ExportStartup startup, IHttpClientFactory clients)
        : IValidateOptions<Check>
    {
        public ValidateOptionsResult Validate(string? name, Check options)
        {
            var problems = Problems().ToList();
            if (startup._cell.IsError)
                problems.Insert(0, startup._cell.ErrorValue.Message);
            if (problems.Count == 0 && ClientProblem() is { } problem)
                problems.Add(problem);
            return problems.Count == 0
                ? ValidateOptionsResult.Success
                : throw new RefusedStartException(problems);
        }

        private IEnumerable<string> Problems()
        {
            try
            {
                return startup._configuration.Value.Refusals.Select(refusal => refusal.ToString());
            }
            // The environment decides where artifacts without a target go.
            catch (S3ExportConfigurationException refused)
            {
                return refused.Problems.Select(problem => problem.ToString());
            }
        }

        /// <summary>What a host's configuration of the client would do to every export; null if nothing.</summary>
        private string? ClientProblem()
        {
            const string name = S3ExportServiceCollectionExtensions.HttpClientName;
            using var client = clients.CreateClient(name);
            return Settings
                .Usable(startup._configuration.Value.Core)
                .Select(settings => ForeignClient.Problem(client, settings.Limits.RequestTimeout))
                .OfType<string>()
                .Select(problem => $"HttpClient '{name}': {problem}")
                .FirstOrDefault();
        }
    }
}
