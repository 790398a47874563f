// The C++ side of `make bench`: the same work as the Go and the Python side, on the same libtorch, one request a line on
// standard input ("add N", "relu N", "step N"), answered by wall and processor seconds for N rounds. The benchmark in
// layers/bench_test.go takes turns between the three, so that all see the same machine.
#include <sys/resource.h>
#include <torch/torch.h>

#include <chrono>
#include <cmath>
#include <iostream>
#include <string>

namespace nn = torch::nn;

static nn::Conv2d conv(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t padding) {
  return nn::Conv2d(nn::Conv2dOptions(in, out, kernel).stride(stride).padding(padding).bias(false));
}

struct BlockImpl : nn::Module {
  nn::Conv2d conv1, conv2;
  nn::BatchNorm2d bn1, bn2;
  nn::Sequential downsample;

  BlockImpl(int64_t in, int64_t out, int64_t stride)
      : conv1(conv(in, out, 3, stride, 1)), conv2(conv(out, out, 3, 1, 1)), bn1(out), bn2(out) {
    register_module("conv1", conv1);
    register_module("bn1", bn1);
    register_module("conv2", conv2);
    register_module("bn2", bn2);
    if (stride != 1 || in != out) {
      downsample = nn::Sequential(conv(in, out, 1, stride, 0), nn::BatchNorm2d(out));
      register_module("downsample", downsample);
    }
  }
  at::Tensor forward(at::Tensor x) {
    at::Tensor y = bn1(conv1(x)).relu_();
    y = bn2(conv2(y));
    if (!downsample->is_empty()) x = downsample->forward(x);
    return y.add_(x).relu_();
  }
};
TORCH_MODULE(Block);

struct ResNet18Impl : nn::Module {
  nn::Conv2d conv1;
  nn::BatchNorm2d bn1;
  nn::Sequential blocks;
  nn::Linear fc;

  explicit ResNet18Impl(int64_t out) : conv1(conv(3, 64, 7, 2, 3)), bn1(64), fc(512, out) {
    int64_t in = 64;
    for (int64_t width : {64, 128, 256, 512})
      for (int64_t block = 0; block < 2; block++) {
        blocks->push_back(Block(in, width, width > 64 && block == 0 ? 2 : 1));
        in = width;
      }
    register_module("conv1", conv1);
    register_module("bn1", bn1);
    register_module("blocks", blocks);
    register_module("fc", fc);
  }
  at::Tensor forward(at::Tensor x) {
    x = torch::max_pool2d(bn1(conv1(x)).relu_(), 3, 2, 1);
    x = blocks->forward(x);
    return fc(torch::adaptive_avg_pool2d(x, {1, 1}).flatten(1));
  }
};
TORCH_MODULE(ResNet18);

static double processor_seconds() {
  rusage u;
  getrusage(RUSAGE_SELF, &u);
  auto s = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6; };
  return s(u.ru_utime) + s(u.ru_stime);
}

int main(int argc, char** argv) {
  at::set_num_threads(argc > 1 ? std::stoi(argv[1]) : 2);
  torch::manual_seed(1);
  ResNet18 model(10);
  torch::optim::Adam optimizer(model->parameters(), torch::optim::AdamOptions(1e-3).weight_decay(5e-3));
  at::Tensor images = torch::randn({32, 3, 64, 64});
  at::Tensor target = torch::arange(32).remainder(10);
  at::Tensor a = torch::ones({4}), b = torch::ones({4}), out;

  std::cout << TORCH_VERSION << std::endl;
  std::string what;
  int64_t n;
  while (std::cin >> what >> n) {
    const double cpu = processor_seconds();
    const auto start = std::chrono::steady_clock::now();
    if (what == "add") {
      for (int64_t i = 0; i < n; i++) out = a + b;
    } else if (what == "relu") {
      for (int64_t i = 0; i < n; i++) out = torch::relu(a);
    } else {
      for (int64_t i = 0; i < n; i++) {
        optimizer.zero_grad();
        at::Tensor loss = torch::nn::functional::cross_entropy(model(images), target);
        loss.backward();
        optimizer.step();
        if (!std::isfinite(loss.item<float>())) return 1;
      }
    }
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
    std::cout << wall.count() << ' ' << processor_seconds() - cpu << std::endl;
  }
}
